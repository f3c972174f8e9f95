//! One file or folder per AWS service. Each has a state type with `open(dir)` and an async
//! `handle(world, operation, input, caller)`.

pub mod apprunner;
pub mod cloudfront;
pub mod cloudwatch;
pub mod codebuild;
pub mod ecr;
pub mod logs;
pub mod s3;
