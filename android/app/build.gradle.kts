// The app: activity, permissions, camera. The libraries of the core lie in target/android/jniLibs, by ABI.
plugins {
    alias(libs.plugins.android.application)
    alias(libs.plugins.kotlin.compose)
}

android {
    namespace = "firsthand.app"
    compileSdk = 36
    defaultConfig {
        applicationId = "org.firsthand.app"
        minSdk = 26
        targetSdk = 36
        versionCode = 1
        versionName = "0.1.0"
    }
    sourceSets.named("main") { jniLibs.srcDir(rootDir.resolve("../target/android/jniLibs")) }
    buildTypes {
        release {
            isMinifyEnabled = true
            isShrinkResources = true
            proguardFiles(getDefaultProguardFile("proguard-android-optimize.txt"), "proguard-rules.pro")
        }
    }
    buildFeatures { compose = true }
}

kotlin {
    jvmToolchain(17)
}

dependencies {
    implementation(project(":ui"))
    implementation(project(":platform"))
    implementation(libs.activity.compose)
    implementation(libs.core)
    implementation(libs.coroutines.android)
    implementation(libs.zxing)
    implementation(variantOf(libs.jna) { artifactType("aar") })
}
