-- migrate:up
alter table aerodag.run add column review boolean;

comment on column aerodag.run.review is
    'Whether a person is asked before the engine starts: null by the verdict of the pre-flight, true always, false never.';

create table aerodag.review (
    id bigint generated always as identity primary key,
    run_id bigint not null references aerodag.run (id) on delete cascade,
    asked_at timestamptz not null default clock_timestamp(),
    due_at timestamptz not null,
    verdict text not null check (verdict in ('go', 'review', 'no_go')),
    question text not null,
    default_answer text not null check (default_answer in ('Accept', 'Abort')),
    answered_at timestamptz,
    answer text check (answer in ('Accept', 'Reject images', 'Abort')),
    images text[] not null default '{}',
    answered_by text,
    by_default boolean not null default false,
    note text,
    refused text,
    check (num_nulls(answered_at, answer) in (0, 2))
);

create unique index review_open_key on aerodag.review (run_id) where answered_at is null;
create index review_run_idx on aerodag.review (run_id, id);

comment on table aerodag.review is 'A question put to a person before the engine starts, with the answer.';
comment on column aerodag.review.due_at is 'When default_answer is taken.';
comment on column aerodag.review.verdict is 'Of the pre-flight that the question rests on.';
comment on column aerodag.review.question is 'As the person saw it; Markdown.';
comment on column aerodag.review.answered_at is 'Null while nobody has answered, and for ever where the run ended before.';
comment on column aerodag.review.images is 'The images to leave out, as the person named them: paths or patterns.';
comment on column aerodag.review.answered_by is 'Name of Airflow''s user; null where the default answer was taken.';
comment on column aerodag.review.note is 'The person''s own words.';
comment on column aerodag.review.refused is 'Why this answer could not be followed; null where it was.';

grant select, insert, update on aerodag.review to aerodag_worker;
grant select on aerodag.review to aerodag_reader;

alter table aerodag.review enable row level security;
create policy worker_all on aerodag.review to aerodag_worker using (true) with check (true);
create policy reader_by_run on aerodag.review for select to aerodag_reader
    using (exists (select from aerodag.run where run.id = review.run_id));

-- migrate:down
drop table aerodag.review cascade;
alter table aerodag.run drop column review cascade;
