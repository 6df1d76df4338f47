/// How things look, on light and on dark screens, and on paper.
///
/// The colours of VLANs keep apart for the usual kinds of colour blindness (after Okabe and Ito), have at least 3:1 against both backgrounds, and each has
/// its own line, so that grey paper is enough.
enum SVGStyle {
    /// The look of one VLAN.
    struct Look {
        var light: String
        var dark: String
        /// Lengths of dashes and gaps; empty for a line without gaps.
        var dashes: String
    }

    static let looks = [
        Look(light: "#0067a8", dark: "#5cb8f0", dashes: ""),
        Look(light: "#c65102", dark: "#ff9e4a", dashes: "9 4"),
        Look(light: "#00805c", dark: "#35cfa0", dashes: "2.5 3"),
        Look(light: "#93318e", dark: "#de8fdc", dashes: "12 3 2.5 3"),
        Look(light: "#7a6400", dark: "#e3cf52", dashes: "5 2.5"),
        Look(light: "#8e1f4b", dark: "#f58aae", dashes: "16 5"),
        Look(light: "#3b2e8c", dark: "#a9a0ff", dashes: "7 3 2.5 3 2.5 3"),
        Look(light: "#3a4148", dark: "#c9d1d9", dashes: "4 6"),
    ]

    /// The style sheet. Dark is for screens alone: paper is light.
    static let sheet: String = {
        var sheet = """
            text{font-family:sans-serif}
            .m{font-family:monospace}
            .b{font-weight:bold}
            path{fill:none}
            .s{stroke-width:3}
            .t{stroke-width:1.2}
            .all{stroke-width:4}
            .chassis,.node,.service{stroke-width:1.5}
            .service{stroke-dasharray:6 3}
            .part{stroke-width:1.5}
            rect.chip{stroke-width:2;stroke-dasharray:none}
            .warning{stroke-width:1.5}
            .edge.bad{stroke-dasharray:6 4}

            """
        for (index, look) in looks.enumerated() where !look.dashes.isEmpty { sheet += ".l\(index){stroke-dasharray:\(look.dashes)}\n" }
        sheet += colours(
            page: "#ffffff", ink: "#1b2026", soft: "#4d5661", alert: "#a3001b", chassis: "#e9edf1", frame: "#6b7580", node: "#f9fafb",
            part: "#ffffff", edge: "#8a949e", cable: "#ffffff", warning: "#fff1f1", bundle: "#3a4148")
        for (index, look) in looks.enumerated() { sheet += ".l\(index){stroke:\(look.light)}.f\(index){fill:\(look.light)}\n" }
        sheet += "@media screen and (prefers-color-scheme:dark){\n"
        sheet += colours(
            page: "#0f1419", ink: "#e8edf2", soft: "#aab4bf", alert: "#ff9a9a", chassis: "#242d36", frame: "#8b96a2", node: "#182028",
            part: "#0f1419", edge: "#6d7884", cable: "#0f1419", warning: "#3a1c20", bundle: "#c9d1d9")
        for (index, look) in looks.enumerated() { sheet += ".l\(index){stroke:\(look.dark)}.f\(index){fill:\(look.dark)}\n" }
        return sheet + "}\n"
    }()

    private static func colours(
        page: String, ink: String, soft: String, alert: String, chassis: String, frame: String, node: String, part: String, edge: String,
        cable: String, warning: String, bundle: String
    ) -> String {
        """
        .page{fill:\(page)}
        .ink{fill:\(ink)}.soft{fill:\(soft)}.alert{fill:\(alert)}
        .chassis{fill:\(chassis);stroke:\(frame)}
        .node,.service{fill:\(node);stroke:\(frame)}
        .part{fill:\(part);stroke:\(frame)}
        .chip{fill:\(part);stroke:\(frame)}
        .warning{fill:\(warning);stroke:\(alert)}
        .edge{stroke:\(edge)}.edge.bad{stroke:\(alert)}.cable{stroke:\(cable)}.all{stroke:\(bundle)}

        """
    }
}
