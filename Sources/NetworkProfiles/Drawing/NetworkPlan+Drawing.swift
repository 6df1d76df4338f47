extension NetworkPlan {
    /// The plan as a picture: one SVG document that needs nothing else and is the same for the same plan.
    ///
    /// Switches stand at the sides with their ports and, as vertical lines, their VLANs; nodes stand beside them with network cards, bonds, VLAN interfaces and
    /// addresses. It is meant for 1200 px; from 25 nodes on, each node has one line. Screens that prefer dark get a dark one, paper a light one.
    public func drawing() -> String { SVGText.document(geometry) }

    /// The picture before it is written.
    var geometry: PlanDrawing {
        var layout = PlanLayout(self)
        return layout.draw()
    }
}
