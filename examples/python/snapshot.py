"""A snapshot of a sandbox with its memory, and a sandbox of it that goes on from there."""

from e2b_code_interpreter import Sandbox

with Sandbox.create(timeout=300) as sandbox:
    sandbox.run_code("prices = [3, 5, 8]")
    sandbox.files.write("notes.txt", "before the snapshot")
    snapshot = sandbox.create_snapshot()
    print("snapshot:", snapshot.snapshot_id)
    sandbox.files.write("notes.txt", "after the snapshot")
    try:
        with Sandbox.create(snapshot.snapshot_id, timeout=300) as copy:
            total = copy.run_code("sum(prices)").text
            notes = copy.files.read("notes.txt")
            print("in the copy:", total, repr(notes))
            assert (total, notes) == ("16", "before the snapshot")
            copy.run_code("prices.append(100)")
    finally:
        deleted = Sandbox.delete_snapshot(snapshot.snapshot_id)
    total = sandbox.run_code("sum(prices)").text
    print("in the original:", total, repr(sandbox.files.read("notes.txt")))
    assert total == "16" and deleted
