-- Who owns a sales line, as it is written beside the line.

create or replace function core.source_part(p_file_id bigint) returns smallint
language sql stable
return (
    select
        case
            when f.delta_date is not null then -1
            -- 0 is a whole year
            when f.period_part = 0 then -2
            else coalesce(f.period_part, 0)
        end::smallint
    from ops.file f
    where f.file_id = p_file_id
);
comment on function core.source_part(bigint) is 'What the lines of a sales file are marked with: 0 for a whole year, N for part N, -2 for part 0, -1 for a daily delta.';
