import Foundation
import LabEvents
import Testing

@testable import Fetching

@Suite("Fetching: logins", .tier(.unit))
struct CredentialTests {
    private let auths =
        #"{"auths": {"https://index.docker.io/v1/": {"auth": "aHViOmh1Yi1wYXNz"}, "a.example": {"username": "u", "password": "p:q"}, "t.example": {"identitytoken": "tok"}, "e.example": {}}}"#

    @Test("The environment comes first, then Docker's file, then nobody") func environmentFirst() async throws {
        let variables = ["VMLAB_REGISTRY_A_EXAMPLE_USER": "env", "VMLAB_REGISTRY_A_EXAMPLE_PASSWORD": "env-pass"]
        let both = Credentials(environment: variables, dockerConfiguration: Array(auths.utf8), path: "FILE")
        var found = try await both.login(for: "A.example")
        #expect(
            found.login == Login(user: "env", password: "env-pass") && found.source == .environment(variable: "VMLAB_REGISTRY_A_EXAMPLE"))
        let file = Credentials(environment: [:], dockerConfiguration: Array(auths.utf8), path: "FILE")
        found = try await file.login(for: "a.example")
        #expect(found.login == Login(user: "u", password: "p:q") && found.source == .dockerConfiguration(path: "FILE"))
        #expect(try await file.login(for: "docker.io").login == Login(user: "hub", password: "hub-pass"))
        #expect(try await file.login(for: "t.example").login == Login(identityToken: "tok"))
        for host in ["e.example", "a.example:8080", "b.a.example", "example", ""] {
            #expect(try await file.login(for: host).login == nil, "\(host)")
        }
        var dumped = ""
        found = try await file.login(for: "a.example")
        dump(found, to: &dumped)
        #expect(!dumped.contains("p:q") && !"\(found)".contains("p:q"))
    }

    @Test("Half a login and a broken file are errors that name what is wrong") func halfALogin() async throws {
        for (variables, word) in [
            (["VMLAB_REGISTRY_A_EXAMPLE_PASSWORD": "planted"], "_USER"), (["VMLAB_REGISTRY_A_EXAMPLE_USER": "u"], "_PASSWORD"),
            (["VMLAB_REGISTRY_A_EXAMPLE_USER": "u:v", "VMLAB_REGISTRY_A_EXAMPLE_PASSWORD": "planted"], "colon"),
            (["VMLAB_REGISTRY_A_EXAMPLE_USER": "u", "VMLAB_REGISTRY_A_EXAMPLE_PASSWORD": "planted\nurl = x"], "line"),
        ] {
            let problem = await #expect(throws: Problem.self) { try await Credentials(environment: variables).login(for: "a.example") }
            #expect(
                problem?.kind == .invalidInput && problem?.description.contains(word) == true
                    && problem?.description.contains("planted") == false)
        }
        let problem = await #expect(throws: Problem.self) {
            try await Credentials(environment: [:], dockerConfiguration: Array("no".utf8), path: "FILE").login(for: "a.example")
        }
        #expect(problem?.location == "FILE")
    }

}

@Suite("Fetching: helpers for logins", .tier(.contract))
struct CredentialHelperTests {
    @Test("Helpers are asked as Docker asks them") func helpersAsked() async throws {
        let place = try Place()
        func helper(_ name: String, _ script: String) throws {
            let path = "\(place.path)/docker-credential-\(name)"
            try Data(("#!/bin/sh\n" + script).utf8).write(to: URL(filePath: path))
            chmod(path, 0o755)
        }
        try helper(
            "good",
            #"[ "$1" = get ] && read -r host; echo "$host" >>"$(dirname "$0")/asked"; echo '{"Username":"h","Secret":"from-helper"}'"#)
        try helper("token", #"echo '{"Username":"<token>","Secret":"tok"}'"#)
        try helper("none", "echo credentials not found in native keychain; exit 1")
        try helper("bad", "echo planted; echo planted >&2; exit 3")
        let path = "\(place.path):\(ProcessInfo.processInfo.environment["PATH"] ?? "")"
        func credentials(_ json: String) -> Credentials { Credentials(environment: ["PATH": path], dockerConfiguration: Array(json.utf8)) }
        let own = credentials(
            #"{"credHelpers": {"g.example": "good", "t.example": "token", "n.example": "none", "b.example": "bad", "m.example": "missing"}}"#
        )
        var found = try await own.login(for: "g.example")
        #expect(found.login == Login(user: "h", password: "from-helper") && found.source == .helper(name: "good"))
        #expect(try await own.login(for: "t.example").login == Login(identityToken: "tok"))
        #expect(try await own.login(for: "n.example").source == .anonymous)
        for host in ["b.example", "m.example"] {
            let problem = await #expect(throws: Problem.self) { try await own.login(for: host) }
            #expect(problem?.what.contains("docker-credential-") == true && problem?.description.contains("planted") == false)
        }
        let store = credentials(#"{"credsStore": "good", "auths": {"docker.io": {}}}"#)
        #expect(try await store.login(for: "docker.io").login?.user == "h")
        #expect(try String(contentsOfFile: "\(place.path)/asked", encoding: .utf8) == "g.example\nhttps://index.docker.io/v1/\n")
        var remarks: [String] = []
        found = try await credentials(#"{"credsStore": "missing"}"#).login(for: "x.example") { remarks.append($0) }
        #expect(found.source == .anonymous && remarks.count == 1)
    }
}
