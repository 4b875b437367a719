-- migrate:up
create table aerodag.subscription (
    id bigint generated always as identity primary key,
    channel text not null check (channel in ('email', 'webhook')),
    address text not null,
    owner text,
    events text[] not null check (cardinality(events) > 0),
    secret text,
    active boolean not null default true,
    created_at timestamptz not null default now(),
    unique nulls not distinct (address, owner),
    check ((channel = 'webhook') = (secret is not null))
);

comment on table aerodag.subscription is 'Who wants to be told of what.';
comment on column aerodag.subscription.address is 'E-mail address, or URL of a webhook; it may hold a token.';
comment on column aerodag.subscription.owner is 'Only of datasets of this owner; null for everything.';
comment on column aerodag.subscription.events is 'run.STATE for the end of a run, or kinds of aerodag.event.';
comment on column aerodag.subscription.secret is 'Key that signs webhooks: whsec_ and base64, as Standard Webhooks has it.';
comment on column aerodag.subscription.active is 'False after an unsubscription: what waits for it is skipped.';

-- Nothing has filled it before subscriptions were there.
delete from aerodag.outbox;

alter table aerodag.outbox
    alter column run_id drop not null,
    add column event_id bigint references aerodag.event (id) on delete cascade,
    add column subscription_id bigint not null references aerodag.subscription (id) on delete cascade,
    add column message_id uuid not null default gen_random_uuid(),
    add check (num_nonnulls(run_id, event_id) > 0);

alter table aerodag.outbox drop constraint outbox_state_check;
alter table aerodag.outbox add constraint outbox_state_check
    check (state in ('pending', 'sending', 'sent', 'failed', 'skipped'));

-- An event of no run is told once to each recipient; two such events of one kind are two facts.
create unique index outbox_event_key on aerodag.outbox (event_id, recipient);
create index outbox_subscription_idx on aerodag.outbox (subscription_id);

comment on table aerodag.outbox is
    'Notifications to send, made by triggers together with the fact. Each recipient is told once of each event of a '
    'run, however often the run is cleared and ends that way again: the state of a run may change back and forth '
    'within one attempt, and who clears a run watches it. A new run of the dataset is told anew.';
comment on column aerodag.outbox.run_id is 'Null where the event belongs to no run.';
comment on column aerodag.outbox.event_id is 'The event that is told; null for the end of a run.';
comment on column aerodag.outbox.message_id is 'The same in every try, so that the recipient can tell a repeat.';
comment on column aerodag.outbox.state is 'failed: given up; skipped: unsubscribed before it was sent.';

create function aerodag.tell(
    event_name text, about_dataset bigint, about_run bigint, about_event bigint, facts jsonb
) returns void
language sql
set search_path = ''
as $$
    insert into aerodag.outbox (subscription_id, run_id, event_id, event, recipient, payload)
    select distinct on (subscription.address)
        subscription.id, about_run, about_event, event_name, subscription.address,
        facts || jsonb_build_object(
            'dataset', case when dataset.id is not null then
                jsonb_build_object('id', dataset.id, 'name', dataset.name, 'owner', dataset.owner)
            end,
            'run', case when run.id is not null then
                jsonb_build_object(
                    'id', run.id, 'dag_run_id', run.dag_run_id, 'state', run.state, 'preset', run.preset,
                    'engine', run.engine, 'started_at', run.started_at, 'finished_at', run.finished_at
                )
            end
        )
    from aerodag.subscription
    left join aerodag.dataset on dataset.id = about_dataset
    left join aerodag.run on run.id = about_run
    where subscription.active
        and event_name = any(subscription.events)
        and (subscription.owner is null or subscription.owner = dataset.owner)
    order by subscription.address, subscription.owner nulls last
    on conflict do nothing
$$;

comment on function aerodag.tell(text, bigint, bigint, bigint, jsonb) is
    'Makes a notification for each subscriber who was not told yet; of two subscriptions of one address, the owner''s.';

create function aerodag.tell_end_of_run() returns trigger
language plpgsql
set search_path = ''
as $$
begin
    perform aerodag.tell(
        'run.' || new.state, new.dataset_id, new.id, null,
        jsonb_build_object(
            'code', new.failure_code,
            'category', new.failure_category,
            'message', new.message,
            'advice', new.advice,
            'findings', coalesce(
                (
                    select jsonb_agg(jsonb_build_object('code', code, 'message', message, 'advice', advice) order by id)
                    from (
                        select * from aerodag.finding
                        where finding.run_id = new.id and finding.severity in ('degraded', 'error')
                        order by finding.id
                        limit 5
                    ) as first_ones
                ),
                '[]'
            )
        )
    );
    return null;
end
$$;

create function aerodag.tell_event() returns trigger
language plpgsql
set search_path = ''
as $$
begin
    perform aerodag.tell(
        new.kind, coalesce(new.dataset_id, (select dataset_id from aerodag.run where id = new.run_id)), new.run_id,
        new.id, jsonb_build_object('message', new.message, 'details', new.details)
    );
    return null;
end
$$;

revoke execute on function
    aerodag.tell(text, bigint, bigint, bigint, jsonb), aerodag.tell_end_of_run(), aerodag.tell_event()
    from public;
grant execute on function aerodag.tell(text, bigint, bigint, bigint, jsonb) to aerodag_worker;

create trigger tell_end_of_run
    after update of state on aerodag.run
    for each row
    when (old.state <> new.state and new.state in ('succeeded', 'degraded', 'failed', 'cancelled'))
    execute function aerodag.tell_end_of_run();

-- That a notification failed is never told: it could not end.
create trigger tell_event
    after insert on aerodag.event
    for each row
    when (new.kind <> 'notification.failed')
    execute function aerodag.tell_event();

-- Not the reader: it holds secrets and the addresses of people.
grant select, insert, update on aerodag.subscription to aerodag_worker;
alter table aerodag.subscription enable row level security;
create policy worker_all on aerodag.subscription to aerodag_worker using (true) with check (true);

-- migrate:down
drop trigger tell_event on aerodag.event;
drop trigger tell_end_of_run on aerodag.run;
drop function aerodag.tell_event();
drop function aerodag.tell_end_of_run();
drop function aerodag.tell(text, bigint, bigint, bigint, jsonb);
delete from aerodag.outbox where run_id is null or state = 'skipped';
alter table aerodag.outbox drop constraint outbox_state_check;
alter table aerodag.outbox add constraint outbox_state_check check (state in ('pending', 'sending', 'sent', 'failed'));
alter table aerodag.outbox
    drop column message_id cascade, drop column subscription_id cascade, drop column event_id cascade,
    alter column run_id set not null;
comment on table aerodag.outbox is 'Notifications to send: each recipient is told once of each event of a run.';
comment on column aerodag.outbox.run_id is null;
comment on column aerodag.outbox.state is null;
drop table aerodag.subscription;
