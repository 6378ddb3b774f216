//! The `dcb` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    dcb::app::main()
}
