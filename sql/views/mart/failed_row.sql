create or replace view mart.failed_row as
select
    run_id,
    check_name,
    case
        when (select mart.may_read_contact()) then failed_row
        else failed_row - array['full_name', 'email', 'phone', 'search_text', 'warnings']
    end as failed_row
from ops.failed_row;

comment on view mart.failed_row is 'Rows that made a check fail (the first thousand of each).';
comment on column mart.failed_row.run_id is 'Run that was checked.';
comment on column mart.failed_row.check_name is 'Name of the check.';
comment on column mart.failed_row.failed_row is 'The row, without personal data for whoever may not read mart.customer_contact.';
