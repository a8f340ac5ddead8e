pub fn notes(_: &str, _: &str) -> Option<String> { None }
