-- Whose a rejected sales line is stands beside the row as received: sellers see theirs without a look into every row.

alter table ops.rejected_record add column customer_id text;
comment on column ops.rejected_record.customer_id is 'Customer whom a sales line speaks of, where it names one.';

update ops.rejected_record r
set customer_id = nullif(btrim(r.raw_row ->> (pair.value ->> 0), E' \t\n\r'), '')
from ops.file f
cross join jsonb_array_elements(f.column_map) as pair
where f.file_id = r.file_id and f.feed = 'sales' and pair.value ->> 1 = 'customer_id';

-- the routines write it again in its new form, and no longer ask the function
drop policy if exists rows_of_sales_reader on ops.rejected_record;
drop function if exists access.rejected_customer(jsonb, jsonb);
