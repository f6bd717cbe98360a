-- Reads and judges the rows of one master file. The feeds share the text: identifiers come from ops.feed_column alone.

create or replace function core.master_table(p_feed text) returns text
language sql stable parallel safe
return (
    select replace(f.natural_key[1], '_id', '_version')
    from ops.feed f
    where f.feed = p_feed and f.load_mode = 'snapshot'
);
comment on function core.master_table(text) is 'Table in core that keeps the versions of a master feed.';

create or replace function core.master_attributes(p_feed text) returns text[]
language sql stable parallel safe
return array(
    select c.column_name
    from ops.feed_column c
    join ops.feed f on f.feed = c.feed
    where c.feed = p_feed and c.column_name <> f.natural_key[1]
    order by c.position
);
comment on function core.master_attributes(text) is 'Columns of a master feed other than its key.';

create or replace procedure core.judge_master(p_file_id bigint, p_feed text)
language plpgsql
as $$
declare
    v_key text;
    v_mark text;
    v_formats text[];
    v_days text;
    v_texts text;
    v_values text;
    v_joins text;
    v_columns text;
    v_warnings text;
    v_too_long bigint;
    v_is_trimmed boolean := (select f.is_trimmed from ops.file f where f.file_id = p_file_id);
begin
    select f.natural_key[1], f.decimal_mark, f.date_formats into v_key, v_mark, v_formats from ops.feed f where f.feed = p_feed;

    select string_agg(format('select r.%I as text from raw.%I r where r.file_id = %s', c.column_name, p_feed, p_file_id), ' union all ')
    into v_days
    from ops.feed_column c
    where c.feed = p_feed and c.data_type = 'date';

    execute format(
        'create unlogged table raw.date_reading as
        select day.text, core.read_date(day.text, %L) as day
        from (
            select distinct core.day_text(core.trimmed(received.text, %L)) as text
            from (select distinct v.text from (%s) as v) as received
        ) as day
        where day.text is not null',
        v_formats, v_is_trimmed, coalesce(v_days, 'select null::text as text')
    );
    analyze raw.date_reading;

    select
        string_agg(format('core.trimmed(r.%1$I, %2$L) as %1$I', c.column_name, v_is_trimmed), ', ' order by c.position),
        string_agg(
            format(
                case c.data_type
                    when 'date' then '%2$I.day as %1$I, t.%1$I as %3$I'
                    when 'number' then 'core.read_number(t.%1$I, %4$L) as %1$I, t.%1$I as %3$I'
                    when 'boolean' then 'core.read_boolean(t.%1$I) as %1$I, t.%1$I as %3$I'
                    else 't.%1$I'
                end,
                c.column_name, 'day_' || c.column_name, 'received_' || c.column_name, v_mark
            ),
            ', ' order by c.position
        ),
        string_agg(
            format('left join raw.date_reading %2$I on %2$I.text = core.day_text(t.%1$I)', c.column_name, 'day_' || c.column_name), ' '
        ) filter (where c.data_type = 'date'),
        string_agg(format('v.%I', c.column_name), ', ' order by c.position),
        string_agg(
            format(
                'case when v.%2$I is not null and v.%1$I is null then %3$L || v.%2$I end',
                c.column_name, 'received_' || c.column_name, c.column_name || ' cannot be read: '
            ),
            ', ' order by c.position
        ) filter (where c.data_type in ('date', 'number', 'boolean'))
    into v_texts, v_values, v_joins, v_columns, v_warnings
    from ops.feed_column c
    where c.feed = p_feed;

    -- the offsets keep the planner from computing an expression again wherever its result is used (see core.sales_texts)
    execute format(
        'create unlogged table raw.master_judged as
        with trimmed as (
            select r.row_number, %2$s
            from raw.%3$I r
            where r.file_id = %4$s and (core.trimmed(r.%1$I, %9$L) <> '''' or not raw.is_blank(to_jsonb(r)))
            offset bigint ''0''
        ),
        typed as (
            select t.row_number, %5$s
            from trimmed t %6$s
            offset bigint ''0''
        )
        select
            v.row_number, %7$s,
            nullif(array_remove(array[%8$s]::text[], null), ''{}'') as warnings,
            v.%1$I is not null
                and lead(v.row_number) over (partition by v.%1$I order by v.row_number) is not null as is_duplicate
        from typed v',
        v_key, v_texts, p_feed, p_file_id, v_values, coalesce(v_joins, ''), v_columns, coalesce(v_warnings, ''),
        v_is_trimmed
    );
    execute format('select min(j.row_number) from raw.master_judged j where octet_length(j.%I) > 2000', v_key) into v_too_long;
    if v_too_long is not null then
        raise string_data_right_truncation using
            message = format('line %s: %s is longer than 2000 bytes', raw.line_number(p_file_id, v_too_long), v_key);
    end if;
    analyze raw.master_judged;
end
$$;
comment on procedure core.judge_master(bigint, text) is 'Reads the rows of a master file (raw.master_judged): a missing key rejects, an unreadable value becomes unknown with a warning.';
