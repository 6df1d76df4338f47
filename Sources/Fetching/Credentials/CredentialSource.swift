/// Where a login came from; what messages may say of it.
public enum CredentialSource: Sendable, Equatable, CustomStringConvertible {
    /// The variables `VMLAB_REGISTRY_<HOST>_USER` and `…_PASSWORD`.
    case environment(variable: String)
    /// An entry of Docker's configuration file.
    case dockerConfiguration(path: String)
    /// A program `docker-credential-NAME` that Docker's configuration file names.
    case helper(name: String)
    /// There is no login for the host.
    case anonymous

    /// The source in words.
    public var description: String {
        switch self {
        case .environment(let variable): "\(variable)_USER and …_PASSWORD"
        case .dockerConfiguration(let path): path
        case .helper(let name): "docker-credential-\(name)"
        case .anonymous: "no credentials"
        }
    }
}
