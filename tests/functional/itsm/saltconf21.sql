-- The tables of saltconf21, as it makes them.
CREATE TABLE available_packages (
    id SERIAL PRIMARY KEY,
    operating_system VARCHAR(64) NOT NULL,
    package_name VARCHAR(128) NOT NULL,
    package_version VARCHAR(128)
);
CREATE UNIQUE INDEX ON available_packages (operating_system, package_name, package_version);
CREATE TABLE install_packages (
    id SERIAL PRIMARY KEY,
    itsm_id VARCHAR(64) NOT NULL,
    minion_id VARCHAR(64) NOT NULL,
    package_name VARCHAR(128) NOT NULL,
    package_version VARCHAR(128),
    after TIMESTAMP NOT NULL,
    created_at TIMESTAMP DEFAULT NOW() NOT NULL,
    reverted BOOLEAN DEFAULT FALSE NOT NULL
);
CREATE UNIQUE INDEX ON install_packages (itsm_id, minion_id, package_name, package_version);
CREATE TABLE minions (
    minion_id VARCHAR(64) PRIMARY KEY,
    operating_system VARCHAR(64) NOT NULL,
    last_seen TIMESTAMP DEFAULT NOW() NOT NULL
);
CREATE TABLE reboot_requests (
    id SERIAL PRIMARY KEY,
    itsm_id VARCHAR(64) NOT NULL,
    minion_id VARCHAR(64) NOT NULL,
    job_id VARCHAR(20) NOT NULL,
    created_at TIMESTAMP DEFAULT NOW() NOT NULL
);
