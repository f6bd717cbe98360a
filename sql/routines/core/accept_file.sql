-- The one entry of acceptance: whichever feed, one transaction, one outcome.

create or replace procedure core.judge_file(p_file_id bigint)
language plpgsql
as $$
declare
    v_texts text[];
    v_days date[];
begin
    if (select f.feed from ops.file f where f.file_id = p_file_id) = 'sales' and not core.can_match_sales(p_file_id) then
        select d.p_texts, d.p_days into v_texts, v_days from core.sales_days(p_file_id) as d;
        call core.judge_sales(p_file_id, null, v_texts, v_days);
    end if;
end
$$;
comment on procedure core.judge_file(bigint) is 'Judges the rows of a received file as far as no other sales file matters; core.accept_file follows in the same transaction.';

create or replace function core.load_warning(p_file_id bigint) returns text
language sql stable
return (
    select 'warning: ' || nullif(concat_ws(
        '; ',
        f.message,
        case when f.rows_rejected > s.value::numeric * f.rows_received then
            format(
                '%s of %s rows were rejected (more than %s %%), most often for %s; mart.rejected_records has them with their lines',
                f.rows_rejected,
                f.rows_received,
                trim_scale(s.value::numeric * 100),
                (select c.reason from ops.reject_count c where c.file_id = f.file_id order by c.records desc, c.reason limit 1)
            )
        end,
        case when f.rows_duplicate > s.value::numeric * f.rows_received then
            format(
                '%s of %s rows are duplicates (more than %s %%): a later row of the file has their %s',
                f.rows_duplicate,
                f.rows_received,
                trim_scale(s.value::numeric * 100),
                (select array_to_string(d.natural_key, ' and ') from ops.feed d where d.feed = f.feed)
            )
        end
    ), '')
    from ops.file f
    cross join ops.setting s
    where f.file_id = p_file_id and s.setting = 'reject_warning_share'
);
comment on function core.load_warning(bigint) is 'What whoever sent an applied file should know, or null: what counting its rows has found, and many rejected or duplicate rows.';

create or replace function core.accept_file(p_file_id bigint, p_is_approved boolean) returns text
language plpgsql
as $$
declare
    v_known_at timestamptz := ops.log_time();
    v_file ops.file;
    v_held text;
begin
    select f.* into v_file from ops.file f where f.file_id = p_file_id;
    if v_file.feed = 'sales' then
        v_held := core.accept_sales(p_file_id, v_known_at, p_is_approved);
    else
        v_held := core.accept_master(p_file_id, v_file.feed, v_known_at, p_is_approved);
    end if;
    if v_held is not null then
        return v_held;
    end if;
    call core.discard_held(p_file_id);
    update ops.file f
    set
        status = 'loaded',
        loaded_at = v_known_at,
        is_approved = p_is_approved,
        message = core.load_warning(p_file_id)
    where f.file_id = p_file_id;
    return null;
end
$$;
comment on function core.accept_file(bigint, boolean) is 'Accepts the rows of a received file; gives why the shrink guard holds it (the caller rolls back and records that), or null.';

create or replace procedure core.discard_held(p_file_id bigint)
language plpgsql
as $$
begin
    update ops.file h
    set status = 'discarded', message = 'a later file of its period arrived: ' || f.file_name
    from ops.file f
    where
        f.file_id = p_file_id
        and h.file_id <> p_file_id
        and h.status = 'held'
        and h.feed = f.feed
        and h.received_at < f.received_at
        and case
            when f.feed = 'sales' then h.period_year = f.period_year and (f.period_part is null or h.period_part = f.period_part)
            else h.effective_date <= f.effective_date
        end;
end
$$;
comment on procedure core.discard_held(bigint) is 'Discards held files of the period that a later file speaks for.';
