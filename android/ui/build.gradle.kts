// The screens. `cargo xtask texts` writes what they say.
plugins {
    alias(libs.plugins.android.library)
    alias(libs.plugins.kotlin.compose)
}

val texts = rootDir.resolve("../target/texts")

android {
    namespace = "firsthand.ui"
    compileSdk = 36
    defaultConfig { minSdk = 26 }
    sourceSets.named("main") {
        kotlin.srcDirs(texts.resolve("kotlin"), texts.resolve("kotlin-android"))
        res.srcDir(texts.resolve("android/res"))
    }
    buildFeatures { compose = true }
}

kotlin {
    jvmToolchain(17)
}

dependencies {
    api(project(":presentation"))
    api(platform(libs.compose.bom))
    api(libs.compose.foundation)
    api(libs.compose.material3)
    implementation(libs.zxing)
}
