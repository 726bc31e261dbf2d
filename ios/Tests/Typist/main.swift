// Types without a pause in the phone of a folder until it is killed, and says each letter with its time.
import FirsthandShell
import Foundation
import Phones

/// How long a fast writer takes for a letter.
let pause = Duration.milliseconds(20)

let phone = Phone(in: URL(fileURLWithPath: CommandLine.arguments[1]))
let log = try await phone.unlocked().log()
for place in sequence(first: 0, next: { ($0 + 1) % 26 }) {
    let letter = String(UnicodeScalar(UInt8(97 + place)))
    log.edit { $0.details += letter }
    try FileHandle.standardOutput.write(contentsOf: Data("\(letter) \(ProcessInfo.processInfo.systemUptime)\n".utf8))
    try await Task.sleep(for: pause)
}
