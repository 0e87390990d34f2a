"""The SDK's git, which is commands in the sandbox."""

from method import Context, equal, method


def repository(context: Context) -> str:
    """A repository with one commit, in the method's directory."""
    git, path = context.sandbox.git, f"{context.directory}/repository"
    git.init(path, initial_branch="main")
    git.configure_user("A Person", "person@example.com", scope="local", path=path)
    context.sandbox.files.write(f"{path}/file", "one")
    git.add(path)
    git.commit(path, "the first")
    return path


def pair(context: Context) -> tuple[str, str]:
    """A repository, and one that it has pushed to."""
    path, remote = repository(context), f"{context.directory}/remote.git"
    context.sandbox.git.init(remote, bare=True, initial_branch="main")
    context.sandbox.git.remote_add(path, "origin", remote)
    context.sandbox.git.push(path, remote="origin", branch="main", set_upstream=True)
    return path, remote


@method("git.init", "git.add", "git.commit", "git.status")
def status(context: Context) -> None:
    git, path = context.sandbox.git, repository(context)
    equal(git.status(path).is_clean, True)
    context.sandbox.files.write(f"{path}/new", "x")
    found = git.status(path)
    equal((found.current_branch, found.has_changes, found.has_staged), ("main", True, False))
    git.add(path, files=["new"])
    equal(git.status(path).has_staged, True)


@method("git.branches", "git.create_branch", "git.checkout_branch", "git.delete_branch")
def branches(context: Context) -> None:
    git, path = context.sandbox.git, repository(context)
    git.create_branch(path, "topic")
    equal(git.branches(path).current_branch, "topic")
    git.checkout_branch(path, "main")
    equal(git.branches(path).current_branch, "main")
    git.delete_branch(path, "topic")
    equal(git.branches(path).branches, ["main"])


@method("git.reset", "git.restore")
def reset(context: Context) -> None:
    git, path = context.sandbox.git, repository(context)
    context.sandbox.files.write(f"{path}/file", "two")
    git.reset(path, mode="hard")
    equal(context.sandbox.files.read(f"{path}/file"), "one")
    context.sandbox.files.write(f"{path}/file", "three")
    git.restore(path, paths=["file"])
    equal(context.sandbox.files.read(f"{path}/file"), "one")


@method("git.remote_add", "git.remote_get", "git.push")
def push(context: Context) -> None:
    path, remote = pair(context)
    equal(context.sandbox.git.remote_get(path, "origin"), remote)
    equal(context.sandbox.git.remote_get(path, "none"), None)
    log = context.sandbox.commands.run("git log --format=%s main", cwd=remote)
    equal(log.stdout, "the first\n")


@method("git.clone", "git.pull")
def pull(context: Context) -> None:
    git, (path, remote), copy = context.sandbox.git, pair(context), f"{context.directory}/copy"
    git.clone(remote, path=copy)
    equal(context.sandbox.files.read(f"{copy}/file"), "one")
    context.sandbox.files.write(f"{path}/file", "two")
    git.add(path)
    git.commit(path, "the second")
    git.push(path)
    git.pull(copy)
    equal(context.sandbox.files.read(f"{copy}/file"), "two")


@method("git.set_config", "git.get_config", "git.configure_user")
def config(context: Context) -> None:
    git, path = context.sandbox.git, repository(context)
    git.set_config("some.thing", "set", scope="local", path=path)
    equal(git.get_config("some.thing", scope="local", path=path), "set")
    equal(git.get_config("no.such", scope="local", path=path), None)
    equal(git.get_config("user.name", scope="local", path=path), "A Person")


@method("git.dangerously_authenticate")
def dangerously_authenticate(context: Context) -> None:
    context.sandbox.git.dangerously_authenticate("someone", "secret", host="git.example")
    kept = context.sandbox.commands.run("cat ~/.git-credentials; rm ~/.git-credentials").stdout
    assert "someone:secret@git.example" in kept, kept
