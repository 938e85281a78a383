//! Sizes and habits.

use crate::tree::{File, files, none, root};

/// Lines of a file that are neither blank nor comment.
const LINES_MAX: usize = 600;

/// What stands at the top, dotfiles aside.
const TOP: [&str; 9] = [
    "Cargo.toml",
    "LICENSE",
    "README.md",
    "examples",
    "fluxar",
    "fluxar-codegen",
    "fluxar-macros",
    "idl",
    "tests",
];
/// What tools put beside it.
const BESIDE: [&str; 2] = ["Cargo.lock", "target"];

/// Where programs talk to people.
const SPEAKERS: [&str; 5] =
    ["fluxar/cli", "examples", "fluxar/benches", "tests/src/bin", "tests/fuzz"];

fn rust() -> Vec<File> {
    files(&[".rs"])
}

/// Every line of code that `is_wrong`.
fn lines(files: &[File], is_wrong: impl Fn(&File, &str) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    for file in files {
        for (number, line) in file.code() {
            if is_wrong(file, &line) {
                found.push(format!("{}:{number}: {}", file.path, line.trim()));
            }
        }
    }
    found
}

#[test]
fn files_are_short() {
    let mut found = Vec::new();
    for file in files(&[".rs", ".py"]) {
        let count = file.code().len();
        if count > LINES_MAX {
            found.push(format!("{}: {count} lines", file.path));
        }
    }
    none("files above 600 lines of code: split them by what they know", &found);
}

#[test]
fn the_top_level_has_the_fixed_names() {
    let entries = std::fs::read_dir(root()).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.retain(|name| !name.starts_with('.') && !BESIDE.contains(&name.as_str()));
    names.sort();
    assert_eq!(names, TOP, "everything else that tools want is a dotfile");
}

#[test]
fn tests_do_not_sleep() {
    // In virtual time a sleep is an instant: such files pause the clock.
    let is_wrong = |file: &File, line: &str| {
        let sleeps = line.contains("sleep(") && file.is_test() && !file.is_under("tests/tidy");
        let paused = ["start_paused = true", "time::pause()"];
        sleeps && !paused.iter().any(|pause| file.text.contains(pause))
    };
    none("sleeps in tests: wait for what happens, or pause the clock", &lines(&rust(), is_wrong));
}

#[test]
fn only_programs_print() {
    let is_wrong = |file: &File, line: &str| {
        let prints = line.contains("println!(") || line.contains("print!(");
        let is_out = prints && !line.contains("eprint");
        is_out && !file.is_under("tests/tidy") && !SPEAKERS.iter().any(|place| file.is_under(place))
    };
    none("printing outside of programs", &lines(&rust(), is_wrong));
}

#[test]
fn nothing_is_left_to_do() {
    let words = ["TO".to_owned() + "DO", "FIX".to_owned() + "ME", "todo".to_owned() + "!("];
    let stubs = ["unimplemented".to_owned() + "!("];
    let mut found = Vec::new();
    for file in files(&[".rs", ".py", ".md", ".toml", ".json"]) {
        for (index, line) in file.text.lines().enumerate() {
            if words.iter().chain(&stubs).any(|word| line.contains(word.as_str())) {
                found.push(format!("{}:{}", file.path, index + 1));
            }
        }
    }
    none("things left to do", &found);
}

#[test]
fn tests_listen_at_no_fixed_port() {
    // A port of one's own choosing may be taken: tests ask for port 0.
    let is_wrong = |file: &File, line: &str| {
        let listens = line.contains("bind(") || line.contains("listen(");
        let fixed = ["127.0.0.1:", "localhost:", "[::1]:"].iter().any(|host| {
            line.split(host).skip(1).any(|rest| {
                rest.starts_with(|first: char| first.is_ascii_digit()) && !rest.starts_with("0\"")
            })
        });
        file.is_test() && !file.is_under("tests/tidy") && listens && fixed
    };
    none("fixed ports in tests", &lines(&rust(), is_wrong));
}
