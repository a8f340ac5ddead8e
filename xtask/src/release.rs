pub const STEPS_HELP: &str = "";
