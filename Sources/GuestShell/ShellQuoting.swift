/// Words and scripts for a POSIX shell.
package enum ShellQuoting {
    /// The text as one word in single quotes.
    package static func quote(_ text: String) -> String {
        "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: #"'\''"#) + "'"
    }

    /// A command with its environment and folder as a script that a worker evaluates.
    ///
    /// - Throws: ``GuestShellError/invalid(node:reason:)`` for a NUL byte, which no shell can carry, or a variable name that is none.
    static func script(_ request: CommandRequest, node: String) throws(GuestShellError) -> String {
        var script = ""
        for (name, value) in request.environment.sorted(by: { $0.key < $1.key }) {
            let bytes = Array(name.utf8)
            let valid = bytes.enumerated().allSatisfy { index, byte in
                byte == UInt8(ascii: "_") || (65...90).contains(byte) || (97...122).contains(byte)
                    || (index > 0 && (48...57).contains(byte))
            }
            guard valid, !bytes.isEmpty else { throw .invalid(node: node, reason: "'\(name)' is not a name for an environment variable") }
            script += "export \(name)=\(quote(value))\n"
        }
        if let directory = request.directory { script += "cd \(quote(directory)) || exit\n" }
        script += request.command
        guard !script.utf8.contains(0) else {
            throw .invalid(node: node, reason: "a command, its environment or its folder contains a NUL byte, which no shell can carry")
        }
        return script
    }

    /// The script with its output spooled through files: slower and not live, and
    /// nothing of it is seen when SIGKILL has to end the command, but a background child can then hold no port. Used when almost every output
    /// port is held by background children of earlier commands.
    static func spooled(_ script: String) -> String {
        """
        trap : TERM
        _vd=$(mktemp -d "${TMPDIR:-/tmp}/vmlab.XXXXXX") || exit
        ( eval \(quote(script)) ) >"$_vd/o" 2>"$_vd/e"
        _vr=$?
        cat "$_vd/o"; cat "$_vd/e" >&2
        rm -rf "$_vd"
        exit $_vr
        """
    }
}
