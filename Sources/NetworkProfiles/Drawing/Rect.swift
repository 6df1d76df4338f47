/// A place in a drawing, in px, y down.
struct Point: Equatable {
    var x: Double
    var y: Double
}

/// A rectangle in a drawing, in px.
struct Rect: Equatable {
    var x: Double
    var y: Double
    var width: Double
    var height: Double

    var maxX: Double { x + width }
    var maxY: Double { y + height }
    var midX: Double { x + width / 2 }
    var midY: Double { y + height / 2 }

    /// Whether another lies inside, borders included.
    func contains(_ other: Rect) -> Bool { other.x >= x && other.maxX <= maxX && other.y >= y && other.maxY <= maxY }

    /// Whether the insides share a place; borders that touch do not count.
    func overlaps(_ other: Rect) -> Bool { other.x < maxX && x < other.maxX && other.y < maxY && y < other.maxY }
}
