// What the screens show and do. Its tests run in Maven, beside the library that cargo built.
plugins {
    alias(libs.plugins.kotlin.jvm)
}

kotlin {
    jvmToolchain(17)
}

dependencies {
    api(project(":core-bindings"))
}
