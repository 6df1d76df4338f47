extension NetworkPlan {
    /// The plan as a picture: one SVG document that needs nothing else and is the same for the same plan.
    ///
    /// Switches stand at the sides with their ports and, as vertical lines, their VLANs; nodes stand beside them with network cards, bonds, VLAN interfaces and
    /// addresses. It is meant for 1200 px; from 25 nodes on, each node has one line. Screens that prefer dark get a dark one, paper a light one.
    public func drawing() -> String { SVGText.document(geometry) }

    /// The picture before it is written.
    var geometry: PlanDrawing {
        let isBig = nodes.count >= DrawingMeasures.compactFrom
        var layout = PlanLayout(self, canHaveRails: true, isCompact: isBig)
        // Text that is too small to read is worse than nodes in lines and VLANs in words.
        for (canHaveRails, isCompact) in [(true, true), (false, isBig), (false, true)] where layout.drawing.width > DrawingMeasures.most {
            let other = PlanLayout(self, canHaveRails: canHaveRails, isCompact: isCompact)
            if other.drawing.width < layout.drawing.width { layout = other }
        }
        return layout.draw()
    }
}
