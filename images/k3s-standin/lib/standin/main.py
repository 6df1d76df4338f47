"""What `k3s COMMAND` does."""
import platform
import sys

from . import log, modes


def main():
    arguments = sys.argv[1:]
    command = arguments[0] if arguments else ""
    if command in ("--version", "-v", "version"):
        print("k3s version %s (%s)" % (modes.VERSION, modes.COMMIT))
        print("stand-in, python version %s" % platform.python_version())
        return
    from . import flags
    try:
        if command == "server":
            from . import server
            server.main(arguments[1:])
        elif command == "agent":
            from . import agent
            agent.main(arguments[1:])
        elif command == "token":
            from . import commands
            commands.token(arguments[1:])
        elif command == "etcd-snapshot":
            from . import commands
            commands.snapshot(arguments[1:])
        elif command in ("", "help", "--help", "-h"):
            print("NAME:\n   k3s - stand-in for Kubernetes, but small and simple\n\nCOMMANDS:\n   server, agent, kubectl, token, etcd-snapshot")
        else:
            print("No help topic for '%s'" % command, file=sys.stderr)
            sys.exit(3)
    except flags.UsageError as error:
        log.fatal("Error: %s" % error)
