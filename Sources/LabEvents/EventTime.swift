import FoundationEssentials

/// Times as events write them: `2026-11-21T04:42:00.123Z`, in UTC, always with milliseconds (ISO 8601).
///
/// Written by hand because Foundation's own style cuts milliseconds off, and a time must survive writing and reading unchanged.
enum EventTime {
    /// A date's text; years before 0 and after 9999 become those.
    static func text(_ date: Date) -> String {
        let milliseconds = milliseconds(date)
        let (day, rest) = floored(milliseconds, 86_400_000)
        let (year, month, dayOfMonth) = civil(day)
        let seconds = rest / 1000
        func digits(_ value: Int, _ count: Int) -> String {
            let text = String(value)
            return String(repeating: "0", count: max(0, count - text.count)) + text
        }
        return digits(year, 4) + "-" + digits(month, 2) + "-" + digits(dayOfMonth, 2) + "T" + digits(seconds / 3600, 2) + ":"
            + digits(seconds / 60 % 60, 2) + ":" + digits(seconds % 60, 2) + "." + digits(rest % 1000, 3) + "Z"
    }

    /// The date of a text that ``text(_:)`` made.
    static func date(_ text: String) -> Date? {
        let bytes = Array(text.utf8)
        let pattern = Array("dddd-dd-ddTdd:dd:dd.dddZ".utf8)
        guard bytes.count == pattern.count else { return nil }
        var numbers = [0]
        for (byte, wanted) in zip(bytes, pattern) {
            if wanted == UInt8(ascii: "d") {
                guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
                numbers[numbers.count - 1] = numbers[numbers.count - 1] * 10 + Int(byte - UInt8(ascii: "0"))
            } else {
                guard byte == wanted else { return nil }
                numbers.append(0)
            }
        }
        guard (1...12).contains(numbers[1]), (1...31).contains(numbers[2]), numbers[3] < 24, numbers[4] < 60, numbers[5] <= 60 else {
            return nil
        }
        let seconds = (days(numbers[0], numbers[1], numbers[2]) * 24 + numbers[3]) * 3600 + numbers[4] * 60 + numbers[5]
        return date(milliseconds: seconds * 1000 + numbers[6])
    }

    /// The date at its whole millisecond, so that it equals what is read back.
    static func rounded(_ date: Date) -> Date { self.date(milliseconds: milliseconds(date)) }

    private static func date(milliseconds: Int) -> Date { Date(timeIntervalSince1970: Double(milliseconds) / 1000) }

    private static func milliseconds(_ date: Date) -> Int {
        let value = (date.timeIntervalSince1970 * 1000).rounded()
        return value.isNaN ? 0 : Int(min(max(value, -62_167_219_200_000), 253_402_300_799_999))
    }

    private static func floored(_ value: Int, _ unit: Int) -> (Int, Int) {
        let rest = ((value % unit) + unit) % unit
        return ((value - rest) / unit, rest)
    }

    // The calendar's two directions for days since 1970, in eras of 400 years that begin in March
    // (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms").
    private static func civil(_ days: Int) -> (year: Int, month: Int, day: Int) {
        let (era, day) = floored(days + 719_468, 146_097)
        let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365
        let dayOfYear = day - (365 * year + year / 4 - year / 100)
        let month = (5 * dayOfYear + 2) / 153
        let civilMonth = month < 10 ? month + 3 : month - 9
        return (year + era * 400 + (civilMonth <= 2 ? 1 : 0), civilMonth, dayOfYear - (153 * month + 2) / 5 + 1)
    }

    private static func days(_ civilYear: Int, _ month: Int, _ day: Int) -> Int {
        let (era, year) = floored(civilYear - (month <= 2 ? 1 : 0), 400)
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + year * 365 + year / 4 - year / 100 + dayOfYear - 719_468
    }
}
