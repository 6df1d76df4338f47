import FoundationEssentials
import LabEvents

/// A program `docker-credential-NAME`, which keeps logins for Docker: it is asked with `get`, the server on its standard input, and answers with JSON
/// (github.com/docker/docker-credential-helpers, `credentials/credentials.go`).
struct CredentialHelper {
    var name: String
    var environment: [String: String]
    /// How long it may think: it may have to ask its user.
    var limit: Duration = .seconds(60)

    private struct Answer: Decodable {
        var Username: String
        var Secret: String
    }

    /// - Returns: the login; nil when the helper has none for the server.
    /// - Throws: a ``Problem`` when it is not there, fails, or answers something else. Its words are not in it: they may be the secret.
    func login(_ server: String) async throws(Problem) -> Login? {
        let program = "docker-credential-\(name)"
        guard !name.contains("/") else { throw failure("'\(name)' is no name of a helper") }
        let path: String
        do throws(Problem) {
            path = try HostTool(name: program, package: "golang-docker-credential-helpers").locate(searchPath: environment["PATH"])
        } catch {
            throw failure("\(program) is not on PATH")
        }
        let (environment, limit) = (environment, limit)
        let outcome = await withDeadline(limit) {
            try? await HostProgram(path: path, environment: environment).output(["get"], input: server)
        }
        guard let outcome else { throw failure("it gave no answer within \(limit.components.seconds) s") }
        guard outcome.exit == .exited(0) else {
            // The one text that the protocol fixes for it.
            if outcome.output.contains("credentials not found") { return nil }
            throw failure("it \(outcome.exit)")
        }
        guard let answer = try? JSONDecoder().decode(Answer.self, from: Data(outcome.output.utf8)), !answer.Secret.isEmpty else {
            throw failure("its answer is not the JSON of a login")
        }
        return answer.Username == "<token>" ? Login(identityToken: answer.Secret) : Login(user: answer.Username, password: answer.Secret)
    }

    private func failure(_ why: String) -> Problem {
        Problem(
            .invalidInput, "the credential helper docker-credential-\(name) does not work", why: why,
            remedy: "install or repair it, or take it out of `credHelpers` and `credsStore` of Docker's config.json")
    }
}
