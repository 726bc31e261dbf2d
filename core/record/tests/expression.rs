//! Expressions: what they mean, what is refused and where, and that no text makes them fail.
#![allow(clippy::unwrap_used, reason = "the helpers here read constants")]

use std::collections::BTreeMap;

use firsthand_record::Moment;
use firsthand_record::expression::*;
use proptest::prelude::*;

fn now() -> Moment {
    "2026-05-01T14:30:00+03:00".parse().unwrap()
}

fn answers() -> BTreeMap<String, Value> {
    let pairs = [
        ("age", Value::Number(17.0)),
        ("name", Value::Text("Amina".into())),
        ("sides", Value::Text("north east".into())),
        ("empty", Value::EMPTY),
        ("ticked", Value::Truth(true)),
        ("day", Value::time("2026-04-30")),
        ("at", Value::time("14:00")),
        ("seven", Value::Text("7".into())),
    ];
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn value(text: &str) -> Value {
    let (expression, answers, own) = (Expression::parse(text).unwrap(), answers(), Value::Number(5.0));
    let scope = Scope { own: &own, answers: &answers, now: now() };
    expression.evaluate(&scope, &mut Budget::default()).unwrap()
}

#[test]
fn what_is_true_and_what_is_not() {
    for yes in [
        "${age} < 18",
        "${age} = 17 and not(${age} = 18)",
        "${age} = '17'",
        ". = 5",
        ". >= 1 and . <= 10",
        "selected(${sides}, 'east')",
        "not(selected(${sides}, 'nor'))",
        "count-selected(${sides}) = 2",
        "${ticked}",
        "${ticked} = true()",
        "${ticked} = 'OK'",
        "${empty} = ''",
        "not(${empty} < 5 or ${empty} >= 5 or ${empty} = 5)",
        "${empty} != 5",
        "${nobody} = ''",
        "count(${age}, ${nobody}, ${empty}) = 2",
        "regex(${name}, '[A-Z][a-z]+')",
        "not(regex(${name}, 'min'))",
        "regex('abc', 'a|abc')",
        "regex('٣٤', '\\d+')",
        "if(${age} < 18, 'child', 'adult') = 'child'",
        "string-length(${name}) = 5 and string-length() = 1",
        "coalesce(${empty}, ${name}) = 'Amina'",
        "${day} < today() and today() - ${day} = 1",
        "${day} = '2026-04-30' and ${day} > '2026-04-29'",
        "date('2026-05-01') = today()",
        "now() > today() and now() < today() + 1",
        "${at} > '13:30' and ${at} < '14:30'",
        "2 + 3 * 4 = 14 and (2 + 3) * 4 = 20",
        "7 div 2 = 3.5 and -7 mod 2 = -1 and 7 mod -2 = 1",
        "1 div 0 > 100 and 0 div 0 != 0 div 0",
        "--5 = 5 and -.5 = 0 - 0.5",
        "1 < 2 = true()",
        "3 > 2 > 1 = false()",
        "false() or true() and true()",
        "${seven} + 1 = 8",
        "'1e3' != 1000 and '+1' != 1 and ' 12 ' = 12",
        "'b' != \"a\"",
        "today() = '2026-05-01'",
    ] {
        assert!(value(yes).truth(), "{yes}");
    }
    assert!(!value("${empty} + 1 = 1").truth());
    assert!(value("date('soon')").number().is_nan());
    assert_eq!(value("1 div 3").text(), "0.3333333333333333");
    assert_eq!(value("0 - 0").text(), "0");
    assert_eq!(value("1 div 0").text(), "Infinity");
    assert_eq!(value("today()").text(), "2026-05-01");
    assert_eq!(value("now()").text(), "2026-05-01T14:30:00+03:00");
}

#[test]
fn what_is_refused_is_named_with_its_place() {
    let deep = format!("{}1{}", "(".repeat(60), ")".repeat(60));
    let chain = ["1"; 60].join(" + ");
    let long = format!("'{}'", "x".repeat(4000));
    for (text, said) in [
        ("", "the expression is empty"),
        (" \n", "the expression is empty"),
        ("1 +", "the expression ends too early"),
        ("(1", "the expression ends too early"),
        ("1 2", "\"2\" does not belong at character 3"),
        ("1 = = 2", "\"=\" does not belong at character 5"),
        ("a + b", "\"a\" at character 1 is a path or a bare name; write ${name}"),
        ("${a} ! 1", "\"!\" does not belong at character 6"),
        ("'abc", "the quotation that begins at character 1 is never closed"),
        ("${age", "the quotation that begins at character 1 is never closed"),
        ("${a b} = 1", "\"${a b}\" does not belong at character 1"),
        ("${last-saved#a} = 1", "\"${last-saved#a}\" does not belong at character 1"),
        ("${a} = ‘yes’", "the quotation mark at character 8 is a curved one; use ' or \""),
        ("1 + pulldata('a', 'b')", "the function pulldata() at character 5 is not one that checklists know"),
        ("jr:choice-name(1)", "the function jr:choice-name() at character 1 is not one that checklists know"),
        ("not()", "the function not() at character 1 takes one argument"),
        ("if(1, 2)", "the function if() at character 1 takes three arguments"),
        ("count(1)", "the function count() at character 1 takes names, as in ${name}"),
        (
            "regex(., ${a})",
            "the function regex() at character 1 takes a value, and a pattern between quotation marks",
        ),
        (
            "regex(., '(?=a)')",
            "the pattern of regex() at character 1 is wrong, too large, or of a kind that is not supported",
        ),
        (
            "regex(., '(a{100}){100}{100}')",
            "the pattern of regex() at character 1 is wrong, too large, or of a kind that is not supported",
        ),
        (
            "regex(., 'a)(b')",
            "the pattern of regex() at character 1 is wrong, too large, or of a kind that is not supported",
        ),
        ("../a = 1", "\"../a\" at character 1 is a path or a bare name; write ${name}"),
        ("1 = /data/a", "\"/data/a\" at character 5 is a path or a bare name; write ${name}"),
        ("position(..)", "\"..\" at character 10 is a path or a bare name; write ${name}"),
        (&deep, "the expression is nested too deeply at character 50"),
        (&chain, "the expression is nested too deeply at character 195"),
        (&long, "the expression is longer than 4,000 characters"),
        (&"9".repeat(400), "the number at character 1 is too large"),
    ] {
        assert_eq!(Expression::parse(text).unwrap_err().to_string(), said, "{text}");
    }
}

#[test]
fn it_prints_in_one_way() {
    for (written, printed) in [
        ("${a}='yes'", "${a} = 'yes'"),
        ("${ a } = \"yes\"", "${a} = 'yes'"),
        ("\"it's\"=.", "\"it's\" = ."),
        ("not ( selected (., 'a') )", "not(selected(., 'a'))"),
        ("((1))+(2*3)", "1 + 2 * 3"),
        ("(1+2)*3", "(1 + 2) * 3"),
        ("1-(2-3)", "1 - (2 - 3)"),
        ("(1-2)-3", "1 - 2 - 3"),
        ("-(-1)", "--1"),
        ("-(1+2)", "-(1 + 2)"),
        ("(true() or 1)", "true() or 1"),
        ("(1 or 2) and 3 or 4", "(1 or 2) and 3 or 4"),
        ("1 or (2 or 3)", "1 or (2 or 3)"),
        ("1 and (2 and 3)", "1 and (2 and 3)"),
        ("0.50", "0.5"),
        ("regex(.,'[0-9]{2}')", "regex(., '[0-9]{2}')"),
    ] {
        assert_eq!(Expression::parse(written).unwrap().to_string(), printed);
    }
}

#[test]
fn several_are_joined_and_say_what_they_refer_to() {
    let parse = |text: &str| Expression::parse(text).unwrap();
    let joined = Expression::all([parse("${a} or ${b}"), parse("${c} and ."), parse("1")]).unwrap().unwrap();
    assert_eq!(joined.to_string(), "(${a} or ${b}) and ${c} and . and 1");
    assert_eq!(joined.references(), ["a", "b", "c"]);
    assert!(joined.uses_own() && !parse("${a}").uses_own());
    assert_eq!(Expression::all([]).unwrap(), None);
    let long = parse(&format!("'{}'", "x".repeat(3000)));
    assert_eq!(Expression::all([long.clone(), long]), Err(ExpressionError::TooLong));
}

#[test]
fn work_is_bounded() {
    let text = "regex(., '(a|a|a|aa)*b') and ".repeat(100) + "true()";
    let expression = Expression::parse(&text).unwrap();
    let own = Value::Text("a".repeat(1000));
    let scope = Scope { own: &own, answers: &BTreeMap::new(), now: now() };
    assert_eq!(expression.holds(&scope, &mut Budget::new(100)), Err(OverBudget));
    assert_eq!(expression.holds(&scope, &mut Budget::default()), Ok(false));
}

/// Expressions as text, built from every part of the language.
fn written() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        "[0-9]{1,4}(\\.[0-9]{0,3})?",
        "'[a-z\" ]{0,5}'",
        "\"[a-z' ]{0,5}\"",
        Just(".".to_owned()),
        "[a-z_][a-z0-9_.-]{0,5}".prop_map(|name| format!("${{{name}}}")),
        Just("today()".to_owned()),
        Just("now()".to_owned()),
        Just("true()".to_owned()),
        Just("count(${age}, ${name})".to_owned()),
        prop::sample::select(vec!["${age}", "${name}", "${sides}", "${day}", "${at}", "${ticked}"])
            .prop_map(str::to_owned),
    ];
    leaf.prop_recursive(5, 40, 3, |inner| {
        let signs = ["=", "!=", "<", "<=", ">", ">=", " and ", " or ", "+", " - ", "*", " div ", " mod "];
        prop_oneof![
            4 => (inner.clone(), prop::sample::select(signs.to_vec()), inner.clone())
                .prop_map(|(left, sign, right)| format!("{left}{sign}{right}")),
            2 => inner.clone().prop_map(|it| format!("({it})")),
            1 => inner.clone().prop_map(|it| format!("-({it})")),
            1 => inner.clone().prop_map(|it| format!("not({it})")),
            1 => inner.clone().prop_map(|it| format!("regex({it}, '[a-z]+|\\d*')")),
            1 => inner.clone().prop_map(|it| format!("date({it})")),
            1 => inner.clone().prop_map(|it| format!("string-length({it})")),
            1 => (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("selected({a}, {b})")),
            1 => (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("coalesce({a}, {b})")),
            1 => (inner.clone(), inner.clone(), inner).prop_map(|(a, b, c)| format!("if({a}, {b}, {c})")),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_printed_is_read_as_the_same(text in written()) {
        // Only the limits may stop it.
        let expression = match Expression::parse(&text) {
            Err(ExpressionError::TooDeep { .. } | ExpressionError::TooLong) => return Ok(()),
            other => other.unwrap(),
        };
        let printed = expression.to_string();
        let again = Expression::parse(&printed).unwrap();
        prop_assert_eq!(&again, &expression, "{}", printed);
        prop_assert_eq!(again.to_string(), printed);

        let (answers, own) = (answers(), Value::Number(5.0));
        let scope = Scope { own: &own, answers: &answers, now: now() };
        let (first, second) =
            (expression.evaluate(&scope, &mut Budget::default()), again.evaluate(&scope, &mut Budget::default()));
        prop_assert_eq!(format!("{first:?}"), format!("{second:?}"));
        prop_assert!(first.is_ok());
    }

    #[test]
    fn no_text_makes_it_fail(text in "([ -~]|\\PC|\\$\\{a\\}|and|or|not\\(|regex\\(|'){0,40}") {
        if let Ok(expression) = Expression::parse(&text) {
            let (answers, own) = (answers(), Value::EMPTY);
            let scope = Scope { own: &own, answers: &answers, now: now() };
            let _ = expression.evaluate(&scope, &mut Budget::default()).unwrap().text();
        }
    }

    #[test]
    fn comparisons_fit_together(left in "[0-9a-z.:T+-]{0,20}", right in any::<f64>(), time in any::<bool>()) {
        let left = if time { Value::time(left) } else { Value::Text(left) };
        let own = Value::Number(right);
        let answers = BTreeMap::from([("a".to_owned(), left)]);
        let scope = Scope { own: &own, answers: &answers, now: now() };
        let holds = |text: &str| Expression::parse(text).unwrap().holds(&scope, &mut Budget::default()).unwrap();
        prop_assert_eq!(holds("${a} != ."), !holds("${a} = ."));
        prop_assert_eq!(holds("${a} < ."), holds(". > ${a}"));
        prop_assert_eq!(holds("${a} <= ."), holds("${a} < .") || holds("${a} = ."));
        let ordered = [holds("${a} < ."), holds("${a} = ."), holds("${a} > .")];
        prop_assert!(ordered.iter().filter(|it| **it).count() <= 1);
    }
}
