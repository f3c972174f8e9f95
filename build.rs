//! Templates and blueprints are embedded by a macro that cargo cannot see through, so it is told here.

fn main() {
    println!("cargo:rerun-if-changed=templates");
    println!("cargo:rerun-if-changed=blueprints");
}
