"""CodeBuild. moto runs no build, so only what is told of one while it is made, and of one that ended by failing, can be compared."""

from side import Side


def drive(on: Side) -> None:
    ask = on.client("codebuild")
    on.client("s3").ask("CreateBucket", Bucket="bundles")
    project = {
        "name": "app",
        "source": {"type": "S3", "location": "bundles/none.tar.gz"},
        "artifacts": {"type": "NO_ARTIFACTS"},
        "environment": {"type": "LINUX_CONTAINER", "image": "aws/codebuild/standard:7.0", "computeType": "BUILD_GENERAL1_SMALL"},
        "serviceRole": f"arn:aws:iam::{on.account}:role/made-up",
    }
    ask("CreateProject", **project)
    ask("CreateProject", **project)
    ask("CreateProject", **{**project, "name": "no spaces"})
    ask("CreateProject", **{**project, "name": "odd", "serviceRole": "x"})
    for name in ("no spaces", "odd"):
        ask.ask("DeleteProject", name=name)
    ask("UpdateProject", name="app", description="builds the app")
    ask("UpdateProject", name="nothing")
    ask("ListProjects")
    ask("BatchGetProjects", names=["app", "nothing"])
    made = ask("StartBuild", projectName="app")["build"]["id"]
    ask("StartBuild", projectName="nothing")
    ask("BatchGetBuilds", ids=["app:00000000-0000-0000-0000-000000000000"])
    ask("BatchGetBuilds", ids=["odd"])
    ask("ListBuilds")
    ask("ListBuildsForProject", projectName="app")
    ask("ListBuildsForProject", projectName="nothing")
    ask("StopBuild", id=made)
    ask("StopBuild", id="app:00000000-0000-0000-0000-000000000000")
    ask.until(lambda answer: answer["builds"][0]["buildComplete"], "BatchGetBuilds", ids=[made])
    ask("DeleteProject", name="app")
    ask("DeleteProject", name="app")
