// The generated Kotlin that calls the core: `cargo xtask bindings` writes it.
plugins {
    alias(libs.plugins.kotlin.jvm)
}

kotlin {
    jvmToolchain(17)
    sourceSets.main { kotlin.srcDir(rootDir.resolve("../target/bindings/kotlin")) }
}

dependencies {
    api(libs.coroutines.core)
    // The app brings JNA with its libraries for Android.
    compileOnly(libs.jna)
}
