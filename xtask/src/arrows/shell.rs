//! What the shells of phones must not name: they show and ask, and everything else is the core's.

use super::lex;

/// Folders of the shells, and how their sources end.
pub(crate) const FOLDERS: &[&str] = &["android", "ios"];
pub(crate) const ENDINGS: &[&str] = &["kt", "kts", "java", "swift"];

const SQL: &str = "SQL is the core's";
const CRYPTOGRAPHY: &str = "cryptography is the core's";
const JSON: &str = "JSON is the core's";

/// A name or path, and why it is forbidden.
const FORBIDDEN: &[(&str, &str)] = &[
    ("android.database", SQL),
    ("androidx.room", SQL),
    ("androidx.sqlite", SQL),
    ("java.sql", SQL),
    ("SQLiteDatabase", SQL),
    ("SQLite3", SQL),
    ("CoreData", SQL),
    ("GRDB", SQL),
    ("javax.crypto", CRYPTOGRAPHY),
    ("java.security", CRYPTOGRAPHY),
    ("org.bouncycastle", CRYPTOGRAPHY),
    ("CryptoKit", CRYPTOGRAPHY),
    ("CommonCrypto", CRYPTOGRAPHY),
    ("Security", CRYPTOGRAPHY),
    ("org.json", JSON),
    ("kotlinx.serialization", JSON),
    ("com.google.gson", JSON),
    ("com.squareup.moshi", JSON),
    ("com.fasterxml.jackson", JSON),
    ("android.util.JsonReader", JSON),
    ("JSONDecoder", JSON),
    ("JSONEncoder", JSON),
    ("JSONSerialization", JSON),
];

/// A file in which a name is allowed all the same.
const EXCEPTIONS: &[(&str, &str)] = &[
    // The phone's key store hands its secret out by way of a cipher and nothing else.
    ("android/platform/src/main/kotlin/firsthand/platform/KeystoreVault.kt", "javax.crypto"),
    ("android/platform/src/main/kotlin/firsthand/platform/KeystoreVault.kt", "java.security"),
    // The Secure Enclave's key wraps a secret, and the keychain keeps it.
    ("ios/App/Phone/KeychainVault.swift", "Security"),
];

/// Names every forbidden thing in one file, one per line.
pub(crate) fn scan(file: &str, source: &str) -> Vec<String> {
    lex::forbidden(file, source, FORBIDDEN, EXCEPTIONS, "in a shell")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_forbidden_name_is_found() {
        for (name, reason) in FORBIDDEN {
            let source = format!("// {name}\nimport {name}.Thing\n");
            let found = scan("android/ui/X.kt", &source);
            assert_eq!(found, [format!("android/ui/X.kt:2: {name} is forbidden in a shell: {reason}")]);
        }
    }

    #[test]
    fn an_exception_is_for_one_name_in_one_file() {
        for (file, name) in EXCEPTIONS {
            assert!(scan(file, &format!("import {name}.Thing")).is_empty());
            assert_eq!(scan(file, "import org.json.JSONObject").len(), 1);
            assert_eq!(scan("android/app/Other.kt", &format!("import {name}.Thing")).len(), 1);
        }
    }

    #[test]
    fn texts_and_comments_are_left_alone() {
        for source in
            ["val text = \"org.json\"", "/** See java.sql. */ val json = 1", "import java.securityish"]
        {
            assert_eq!(scan("android/ui/X.kt", source), [""; 0], "{source}");
        }
    }
}
