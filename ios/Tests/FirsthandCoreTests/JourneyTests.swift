import FirsthandCore
import Testing

@Test func theLibrarySaysItsVersion() {
    #expect(!libraryVersion().isEmpty)
}
