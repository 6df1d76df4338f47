extension LabEvent.Kind {
    /// The same kind with every free text of its payload replaced.
    func mappingStrings(_ map: (String) -> String) -> Self {
        switch self {
        case .runStarted(var payload):
            payload.run = map(payload.run)
            payload.scenario = map(payload.scenario)
            payload.plan = map(payload.plan)
            payload.nodes = payload.nodes.map(map)
            payload.profile = payload.profile.map(map)
            return .runStarted(payload)
        case .lab(var payload):
            payload.reason = payload.reason.map(map)
            return .lab(payload)
        case .image(var payload):
            payload.image = map(payload.image)
            payload.text = map(payload.text)
            return .image(payload)
        case .decision(var payload):
            payload.subject = map(payload.subject)
            payload.value = map(payload.value)
            payload.reason = map(payload.reason)
            return .decision(payload)
        case .node(var payload):
            payload.detail = payload.detail.map(map)
            return .node(payload)
        case .console(var payload):
            payload.line = map(payload.line)
            return .console(payload)
        case .machine(var payload):
            payload.name = map(payload.name)
            payload.detail = payload.detail.map(map)
            return .machine(payload)
        case .process(var payload):
            payload.role = map(payload.role)
            payload.name = map(payload.name)
            payload.end = payload.end.map(map)
            return .process(payload)
        case .phase(let payload):
            return .phase(payload.mappingStrings(map))
        case .fault(var payload):
            payload.fault = map(payload.fault)
            payload.detail = payload.detail.map(map)
            return .fault(payload)
        case .step(var payload):
            payload.step = map(payload.step)
            payload.detail = payload.detail.map(map)
            payload.file = payload.file.map(map)
            return .step(payload)
        case .command(var payload):
            payload.command = map(payload.command)
            payload.outcome = map(payload.outcome)
            payload.output = payload.output.map(map)
            return .command(payload)
        case .message(var payload):
            payload.text = map(payload.text)
            return .message(payload)
        case .problem(let payload):
            return .problem(LabEvent.ProblemReport(payload.problem.mappingStrings(map)))
        case .takeover(var payload):
            payload.build = map(payload.build)
            payload.previous = map(payload.previous)
            return .takeover(payload)
        case .runFinished(var payload):
            payload.cause = payload.cause.map(map)
            return .runFinished(payload)
        }
    }
}

extension Problem {
    /// The same problem with every free text replaced.
    func mappingStrings(_ map: (String) -> String) -> Problem {
        var problem = self
        problem.what = map(what)
        problem.location = location.map(map)
        problem.why = why.map(map)
        problem.remedy = remedy.map(map)
        return problem
    }
}
