# What only newer SDKs have: secrets, and tags of templates.
from e2b import Secret, Template

made = Secret.create("from-python", "the value", metadata={"made": "here"})
print(made.name, made.version, made.metadata)
print(Secret.update("from-python", "another value").version)
print(Secret.get_info(made.secret_id).name, Secret.exists("from-python"))
print([secret.name for secret in Secret.list().next_items()])
print(Secret.fill("from-python"), Secret.destroy("from-python"), Secret.destroy("from-python"))
print([tag.tag for tag in Template.get_tags("base")])
