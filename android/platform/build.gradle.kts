// What the shell lends the core of an Android phone.
plugins {
    alias(libs.plugins.android.library)
}

android {
    namespace = "firsthand.platform"
    compileSdk = 36
    defaultConfig { minSdk = 26 }
}

kotlin {
    jvmToolchain(17)
}

dependencies {
    api(project(":presentation"))
}
