//! The `pave` binary.

fn main() -> std::process::ExitCode {
    pave::cli::main()
}
