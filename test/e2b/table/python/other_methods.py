"""Templates, volumes and secrets. What the server has not must be refused as such, not in any other way."""

import time
import uuid

from exported import NotFoundException, Secret, SecretNotFoundException, Template
from exported import Volume, VolumeNotFoundException
from method import Context, ask, equal, method, rejects

# A size for which there is a template to begin with.
SIZE = {"cpu_count": 1, "memory_mb": 1024}


def unused(name: str) -> str:
    return f"{name}-{uuid.uuid4().hex[:8]}"


def template():
    return Template().from_template("base").run_cmd("true")


def forget(name: str) -> None:
    """Deletes a template, for which the SDK has no method."""
    ask(f"/templates/{name}", "DELETE")


@method("Template.exists")
def exists(_: Context) -> None:
    equal(Template.exists("base"), True)
    equal(Template.exists("no-such"), False)


@method("Template.alias_exists")
def alias_exists(_: Context) -> None:
    equal(Template.alias_exists("code-interpreter-v1"), True)


@method("Template.to_json")
def to_json(_: Context) -> None:
    assert '"base"' in Template.to_json(template())


@method("Template.to_dockerfile")
def to_dockerfile(_: Context) -> None:
    built = Template().from_debian_image("12").run_cmd("true")
    assert Template.to_dockerfile(built).startswith("FROM debian:12")


@method("Template.build")
def build(context: Context) -> None:
    name = unused("python")
    equal(Template.build(template(), name, **SIZE).name, name)
    equal(context.own(template=name).commands.run("id -un").stdout, "user\n")
    forget(name)


@method("Template.build_in_background", "Template.get_build_status")
def build_in_background(_: Context) -> None:
    name = unused("python")
    info = Template.build_in_background(template(), name, **SIZE)
    while True:
        status = Template.get_build_status(info)
        if status.status.value not in ("building", "waiting"):
            break
        time.sleep(0.1)
    equal(status.status.value, "ready")
    assert any("RUN true" in entry.message for entry in status.log_entries), status.log_entries
    forget(name)


@method("Template.assign_tags", "Template.get_tags", "Template.remove_tags")
def tags(_: Context) -> None:
    name = unused("python")
    Template.build(template(), name, **SIZE)
    try:
        assert "tested" in Template.assign_tags(f"{name}:default", "tested").tags
        equal({tag.tag for tag in Template.get_tags(name)}, {"default", "tested"})
        Template.remove_tags(name, ["tested"])
        equal({tag.tag for tag in Template.get_tags(name)}, {"default"})
    finally:
        forget(name)


@method("Volume.create", "Volume.connect", "Volume.get_info", "Volume.list", "Volume.destroy")
def volumes(_: Context) -> None:
    volume = Volume.create(unused("python"))
    equal(Volume.connect(volume.volume_id).name, volume.name)
    equal(Volume.get_info(volume.volume_id).name, volume.name)
    assert volume.volume_id in [each.volume_id for each in Volume.list()]
    equal(Volume.destroy(volume.volume_id), True)
    rejects(VolumeNotFoundException or NotFoundException, lambda: Volume.get_info(volume.volume_id))


@method("volume.write_file", "volume.read_file", "volume.make_dir", "volume.exists", "volume.remove")
@method("volume.list", "volume.get_info", "volume.update_metadata")
def contents(_: Context) -> None:
    volume = Volume.create(unused("python"))
    try:
        volume.make_dir("/some")
        equal(volume.write_file("/some/file", "kept").size, 4)
        equal(volume.read_file("/some/file"), "kept")
        equal([entry.name for entry in volume.list("/some")], ["file"])
        equal(volume.get_info("/some/file").size, 4)
        equal(volume.update_metadata("/some/file", mode=0o600).mode & 0o777, 0o600)
        volume.remove("/some/file")
        equal(volume.exists("/some/file"), False)
    finally:
        Volume.destroy(volume.volume_id)


@method("Secret.create", "Secret.get_info", "Secret.exists", "Secret.list", "Secret.update", "Secret.destroy")
def secrets(_: Context) -> None:
    name = unused("python")
    made = Secret.create(name, "value")
    equal((made.name, Secret.get_info(name).secret_id), (name, made.secret_id))
    assert name in [secret.name for secret in Secret.list().next_items()]
    assert Secret.update(name, "other").version > made.version
    equal(Secret.exists(name), True)
    equal(Secret.destroy(name), True)
    equal(Secret.exists(name), False)
    rejects(SecretNotFoundException, lambda: Secret.get_info(name))
