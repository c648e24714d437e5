"""The exported spec lets a client read what older servers of this family say, who leave fields out."""

from cl_api.compute.models import JobEvent, JobResponse
from cl_server import spec_files
from cl_server.schemas import JobResponse as Said


def test_of_a_job_only_its_name_its_task_and_its_status_have_to_be_there() -> None:
    job = JobResponse.from_dict({"job_id": "one", "task_type": "hash", "status": "queued"})
    assert (job.progress, job.params, job.priority) == (0, {}, 5)
    assert (job.task_output, job.error_message) == (None, None)
    assert (job.created_at, job.updated_at, job.started_at, job.completed_at) == (None, None, None, None)
    event = JobEvent.from_dict({"job_id": "one", "task_type": "hash", "status": "queued"})
    assert (event.event_type, event.timestamp, event.params) == (None, None, {})


def test_params_that_are_left_out_are_not_shared_between_jobs() -> None:
    first, second = (JobResponse.from_dict({"job_id": "one", "task_type": "hash", "status": "queued"}) for _ in "ab")
    assert first.params is not second.params
    one, two = (Said.model_validate({"job_id": "one", "task_type": "hash", "status": "queued"}) for _ in "ab")
    assert one.params is not two.params


def test_the_document_says_so() -> None:
    text = spec_files.export()["compute.json"]
    assert "-Output" not in text
    assert "-Input" not in text
