import Testing

@testable import FirsthandShell

struct EntryTests {
    @Test(arguments: [
        ("", "a"), ("abc", "abc"), ("abc", ""), ("aaa", "aa"), ("aa", "aaa"), ("one three", "one two three"),
        ("ab", "ba"), ("e\u{301}", "\u{e9}"), ("🚶 a", "🚶\u{200d}♀️ a"), ("مرحبا", "مرحبًا"), ("abcabc", "abc"),
    ])
    func aSpliceTurnsOneTextIntoTheOther(old: String, new: String) {
        let scalars = Array(old.unicodeScalars)
        guard let splice = Splice(old, new) else {
            #expect(scalars == Array(new.unicodeScalars))
            return
        }
        let end = splice.at + splice.delete
        #expect(scalars[..<splice.at] + Array(splice.insert.unicodeScalars) + scalars[end...] == Array(new.unicodeScalars)[...])
        // Nothing is taken away and put back.
        #expect(splice.delete == 0 || splice.insert.unicodeScalars.first != scalars[splice.at])
    }

    @Test(arguments: [
        ("12", 12), (" 7 ", 7), ("٣٥", 35), ("۴", 4), ("", nil), ("3a", nil), ("-1", nil), ("½", nil), ("三", nil),
        ("4294967295", 4_294_967_295), ("4294967296", nil),
    ])
    func numbersAreReadInTheDigitsOfAnyScript(text: String, expected: UInt32?) {
        #expect(number(text) == expected)
    }

    @Test func nothingIsGuessed() {
        var entry = Entry()
        #expect(entry.count == nil && entry.actor == nil && entry.weapon == nil)
        entry.from = "about 30"
        entry.unit = "  "
        #expect(entry.count == nil && entry.actor == nil)
        entry.to = "40"
        #expect(entry.count?.low == nil && entry.count?.high == 40)
    }

    @Test func aPassphraseIsNotPrinted() {
        var shown = JoinShown()
        shown.passphrase = "secret words"
        var dumped = ""
        dump(shown, to: &dumped)
        #expect(!"\(shown)".contains("secret") && !String(reflecting: shown).contains("secret") && !dumped.contains("secret"))
    }
}
