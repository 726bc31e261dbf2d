/// What a file is called in a folder, at most 80 bytes of its own name: nothing that a file system or a terminal takes for
/// anything but a name.
pub(crate) fn folder_name(number: usize, name: &str) -> String {
    let odd = |c: char| {
        c.is_control()
            || matches!(c, '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|')
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    let mut plain: String = name.chars().map(|c| if odd(c) { '_' } else { c }).collect();
    plain = plain.trim().trim_end_matches('.').to_owned();
    // The end of a long name says what kind of file it is.
    while plain.len() > 80 {
        plain.remove(0);
    }
    if plain.is_empty() { format!("{number:02}") } else { format!("{number:02} {plain}") }
}

#[cfg(test)]
mod tests {
    use super::folder_name;

    #[test]
    fn names_are_names_and_nothing_else() {
        assert_eq!(folder_name(1, "brücke.jpg"), "01 brücke.jpg");
        assert_eq!(folder_name(2, "../../etc/passwd"), "02 .._.._etc_passwd");
        assert_eq!(folder_name(3, "gpj.\u{202e}exe"), "03 gpj._exe");
        assert_eq!(folder_name(4, "a\nb\0c:d"), "04 a_b_c_d");
        assert_eq!(folder_name(5, " .. "), "05");
        assert_eq!(folder_name(6, ""), "06");
        let long = folder_name(7, &format!("{}.jpg", "ж".repeat(200)));
        assert!(long.ends_with("жж.jpg") && long.len() <= 83, "{long}");
    }
}
