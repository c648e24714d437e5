CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
CREATE TABLE jobs (
	seq INTEGER NOT NULL, 
	job_id VARCHAR(64) NOT NULL, 
	task_type VARCHAR(64) NOT NULL, 
	status VARCHAR(16) NOT NULL, 
	progress INTEGER NOT NULL, 
	params JSON NOT NULL, 
	task_output JSON, 
	error_message VARCHAR, 
	created_by VARCHAR(64), 
	priority INTEGER NOT NULL, 
	worker_id VARCHAR(64), 
	attempts INTEGER NOT NULL, 
	created_at INTEGER NOT NULL, 
	updated_at INTEGER NOT NULL, 
	started_at INTEGER, 
	completed_at INTEGER, token INTEGER DEFAULT '0' NOT NULL, run_at INTEGER DEFAULT '0' NOT NULL, lease_until INTEGER DEFAULT '0' NOT NULL, cancelling BOOLEAN DEFAULT 0 NOT NULL, idempotency_key VARCHAR(64), fingerprint VARCHAR(64) DEFAULT '' NOT NULL, size INTEGER DEFAULT '0' NOT NULL, labels JSON, 
	PRIMARY KEY (seq), 
	UNIQUE (job_id)
);
CREATE INDEX ix_jobs_queue ON jobs (status, priority DESC, seq);
CREATE UNIQUE INDEX ux_jobs_idempotency_key ON jobs (idempotency_key);
CREATE TABLE outbox (
	seq INTEGER NOT NULL, 
	job JSON NOT NULL, 
	told_at INTEGER NOT NULL, 
	PRIMARY KEY (seq)
);
CREATE TABLE switches (
	name VARCHAR(64) NOT NULL, 
	"on" BOOLEAN NOT NULL, 
	PRIMARY KEY (name)
);
CREATE TABLE transitions (
	task_type VARCHAR(64) NOT NULL, 
	status VARCHAR(16) NOT NULL, 
	times INTEGER NOT NULL, 
	PRIMARY KEY (task_type, status)
);
CREATE TABLE database_id (
	id VARCHAR(32) NOT NULL, 
	PRIMARY KEY (id)
);
CREATE TABLE steady_clock (
	boot VARCHAR(64) NOT NULL, 
	ahead INTEGER NOT NULL, 
	PRIMARY KEY (boot)
);
CREATE TABLE usage (
	seq INTEGER NOT NULL, 
	owner VARCHAR(64) NOT NULL, 
	bytes INTEGER NOT NULL, 
	PRIMARY KEY (seq)
);
CREATE INDEX ix_usage_owner ON usage (owner);
CREATE TRIGGER cl_usage_add AFTER INSERT ON jobs WHEN new.size <> 0 BEGIN INSERT INTO usage (owner, bytes) SELECT coalesce(new.created_by, ''), 0 WHERE NOT EXISTS (SELECT 1 FROM usage WHERE owner = coalesce(new.created_by, '')); UPDATE usage SET bytes = bytes + new.size WHERE owner = coalesce(new.created_by, ''); END;
CREATE TRIGGER cl_usage_change AFTER UPDATE OF size ON jobs WHEN new.size <> old.size BEGIN INSERT INTO usage (owner, bytes) SELECT coalesce(new.created_by, ''), 0 WHERE NOT EXISTS (SELECT 1 FROM usage WHERE owner = coalesce(new.created_by, '')); UPDATE usage SET bytes = bytes + new.size - old.size WHERE owner = coalesce(new.created_by, ''); END;
CREATE TRIGGER cl_usage_remove AFTER DELETE ON jobs WHEN old.size <> 0 BEGIN INSERT INTO usage (owner, bytes) SELECT coalesce(old.created_by, ''), 0 WHERE NOT EXISTS (SELECT 1 FROM usage WHERE owner = coalesce(old.created_by, '')); UPDATE usage SET bytes = bytes + - old.size WHERE owner = coalesce(old.created_by, ''); END;
CREATE INDEX ix_jobs_of_owner ON jobs (created_by, seq);
CREATE INDEX ix_jobs_of_owner_status ON jobs (created_by, status, seq);
CREATE INDEX ix_jobs_of_owner_task ON jobs (created_by, task_type, seq);
CREATE INDEX ix_jobs_status ON jobs (status, seq);
CREATE INDEX ix_jobs_task ON jobs (task_type, seq);
CREATE INDEX ix_jobs_completed ON jobs (completed_at);
CREATE TABLE job_logs (
	job_id VARCHAR(64) NOT NULL, 
	first INTEGER NOT NULL, 
	last INTEGER NOT NULL, 
	bytes INTEGER NOT NULL, 
	lines JSON NOT NULL, 
	PRIMARY KEY (job_id, first), 
	FOREIGN KEY(job_id) REFERENCES jobs (job_id) ON DELETE CASCADE
);
CREATE TABLE job_labels (
	seq INTEGER NOT NULL, 
	name VARCHAR(64) NOT NULL, 
	value VARCHAR(256) NOT NULL, 
	owner VARCHAR(64) NOT NULL, 
	PRIMARY KEY (seq, name), 
	FOREIGN KEY(seq) REFERENCES jobs (seq) ON DELETE CASCADE
);
CREATE INDEX ix_job_labels_of_owner ON job_labels (owner, name, value, seq);
CREATE INDEX ix_job_labels ON job_labels (name, value, seq);
INSERT INTO alembic_version VALUES ('0009');
INSERT INTO database_id VALUES (lower(hex(randomblob(16))));
