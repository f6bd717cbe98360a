-- One partition per file: filled by COPY, dropped where the file is not applied and after the retention time.

create or replace function raw.create_partition(p_feed text, p_file_id bigint, p_extra_columns integer) returns text
language plpgsql
as $$
declare
    v_name text := format('%s_%s', p_feed, p_file_id);
    v_position integer;
begin
    if not exists (select from ops.feed where feed = p_feed) then
        raise exception 'there is no feed %; write its contract first', p_feed;
    end if;
    for v_position in 1 .. p_extra_columns loop
        if not exists (
            select from pg_attribute
            where attrelid = format('raw.%I', p_feed)::regclass and attname = 'extra_' || v_position
        ) then
            execute format('alter table raw.%I add column %I text', p_feed, 'extra_' || v_position);
            execute format(
                'comment on column raw.%I.%I is %L',
                p_feed, 'extra_' || v_position, 'A column that the contract does not know.'
            );
        end if;
    end loop;
    call raw.drop_partition(p_feed, p_file_id);
    -- written once and read once
    execute format('create unlogged table raw.%I (like raw.%I) with (autovacuum_enabled = false)', v_name, p_feed);
    execute format('create unlogged sequence raw.%I cache 1000 owned by raw.%I.row_number', v_name || '_row', v_name);
    execute format('comment on sequence raw.%I is %L', v_name || '_row', 'Order of the records of file ' || p_file_id || '.');
    execute format('alter table raw.%I alter column file_id set default %s', v_name, p_file_id);
    execute format(
        'alter table raw.%I alter column row_number set default nextval(%L)', v_name, format('raw.%I', v_name || '_row')
    );
    execute format('comment on table raw.%I is %L', v_name, 'Rows of file ' || p_file_id || ' as received.');
    execute format('alter table raw.%I attach partition raw.%I for values in (%s)', p_feed, v_name, p_file_id);
    return format('raw.%I', v_name);
end
$$;
comment on function raw.create_partition(text, bigint, integer) is 'Creates the table that the rows of one file are copied into; gives its name.';

create or replace procedure raw.number_rows_from(p_feed text, p_file_id bigint, p_first bigint)
language plpgsql
as $$
begin
    perform setval(format('raw.%I', format('%s_%s_row', p_feed, p_file_id)), p_first, false);
end
$$;
comment on procedure raw.number_rows_from(text, bigint, bigint) is 'The next row that is copied from a file gets this number.';

create or replace procedure raw.drop_partition(p_feed text, p_file_id bigint)
language plpgsql
as $$
begin
    execute format('drop table if exists raw.%I', format('%s_%s', p_feed, p_file_id));
end
$$;
comment on procedure raw.drop_partition(text, bigint) is 'Drops the rows as received of one file.';
