"""Names that generated code and the client have already: no plugin, parameter or command can be called so."""

CALL_WORDS = frozenset(
    ["self", "wait", "timeout", "on_progress", "on_complete", "on_upload", "priority", "idempotency_key"]
)
"""What every typed method takes beside the parameters of the plugin."""

MODULE_WORDS = frozenset(
    [
        "annotations",
        "Literal",
        "UUID",
        "datetime",
        "UNSET",
        "Unset",
        "JSONObject",
        "JSONValue",
        "FileInput",
        "Job",
        "JobCallback",
        "JobResponse",
        "Operation",
        "Parameter",
        "PluginClient",
        "UploadCallback",
        "partial",
        "routed",
        "upload",
        "without_body",
        "without_key",
    ]
)

CLIENT_WORDS = frozenset(
    [
        "abstractmethod",
        "api",
        "base_url",
        "cached_property",
        "close",
        "delete_job",
        "dialect",
        "download_job_file",
        "embedded",
        "get_capabilities",
        "get_job",
        "jobs",
        "map",
        "as_completed",
        "mqtt_broker",
        "mqtt_port",
        "plugins",
        "portal",
        "property",
        "commands",
        "subscribe_job_updates",
        "submitter",
        "sync",
        "twin",
        "unsubscribe",
        "wait_for_job",
        "wait_for_workers",
        "workers",
    ]
)
"""What the client has already: no plugin can be called so."""

COMMAND_WORDS = frozenset(
    [
        "batch",
        "capabilities",
        "completion",
        "config",
        "demo",
        "doctor",
        "download",
        "embeddings",
        "jobs",
        "login",
        "logout",
        "server",
        "user",
        "whoami",
        "workers",
    ]
)
"""What the command line has already: no plugin's commands can be called so."""

CLIENT_CLASS_WORDS = frozenset(
    ["attach", "operation", "path", "sends_json", "task_type", "submit_with_files", "submit_job"]
)
