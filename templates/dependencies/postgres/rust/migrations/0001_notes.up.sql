-- Notes, and the first answer to each Idempotency-Key.
create table notes (
    number bigint generated always as identity primary key,
    id text not null unique,
    title text not null,
    text text not null,
    created_at timestamptz not null
);

create table idempotency_keys (
    key text primary key,
    fingerprint bytea not null,
    note_id text not null references notes (id) on delete cascade,
    created_at timestamptz not null
);

create index idempotency_keys_created_at on idempotency_keys (created_at);
