package import LabEvents

/// What a host is told about who asks. Its description shows no secret.
public struct Login: Sendable, Equatable {
    /// The user's name; nil for an identity token, which has none.
    public var user: String?
    /// The password, or the identity token.
    package var secret: String

    /// A user with a password.
    package init(user: String, password: String) { (self.user, secret) = (user, password) }

    /// An identity token, as some registries give instead of a password (OAuth2's refresh token).
    package init(identityToken: String) { (user, secret) = (nil, identityToken) }

    /// Tells the redactor the secret, also in the form that HTTP and Docker's file have it in.
    package func hide(in redactor: Redactor, name: String) throws(Problem) {
        try redactor.add(secret: secret, name: name)
        if user != nil { try redactor.add(secret: pair, name: name) }
    }

    /// User and password in base64, as in HTTP's Basic scheme (RFC 7617) and Docker's `auth`.
    var pair: String { Base64.text("\(user ?? ""):\(secret)") }
}

extension Login: CustomStringConvertible, CustomReflectable {
    /// The user.
    public var description: String { user ?? "an identity token" }

    /// Nothing, so that no dump shows the secret.
    public var customMirror: Mirror { Mirror(self, children: []) }
}
