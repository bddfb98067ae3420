-- A journal in SQLite as the engine made it before step 0003.
create table inbox (
  seq integer primary key, event_id text not null unique, flow text not null, object_id text not null,
  lane text not null, source_at integer not null, received_at integer not null, state text not null,
  parked_on text
);
create index inbox_open on inbox (seq) where state = 'open';
create index inbox_parked on inbox (parked_on) where state = 'parked';
create table effect (
  key text primary key, system text not null, write text not null, arguments blob not null,
  correlation text not null, lane text not null, state text not null, result text, attempts integer not null,
  created_at integer not null, sent_at integer not null, next_at integer
);
create index effect_unsettled on effect (created_at) where state <> 'done';
create table xref (
  system text not null, kind text not null, canonical text not null, remote text not null,
  primary key (system, kind, canonical)
) without rowid;
create table cursor (name text primary key, value text not null) without rowid;
create table exception_case (
  case_id text primary key, kind text not null, flow text not null, object_id text not null, lane text not null,
  effect_key text, reason text not null, owner text not null, opened_at integer not null, due_at integer not null,
  level integer not null, state text not null, closed_at integer, closed_by text, note text
);
create table audit (seq integer primary key, body blob not null, link blob not null);
create table approval (
  id text primary key, version integer not null, operation text not null, state text not null,
  asked_at integer not null, body blob not null
) without rowid;
insert into inbox (event_id, flow, object_id, lane, source_at, received_at, state)
  values ('erp:order-status:7:1', 'order-status', '7', 'order:7', 1, 2, 'open');
insert into effect values ('order:D1', 'erp', 'put_order', x'5b5d', 'c', 'order:7', 'done', '7', 1, 1, 1, null);
