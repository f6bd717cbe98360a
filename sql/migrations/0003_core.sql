-- Accepted facts and masters.

create schema if not exists core;
comment on schema core is 'Accepted facts and masters: current and superseded lines, masters as SCD 2.';

create table core.sale_line (
    customer_id text not null,
    transaction_id text not null,
    line_no bigint not null,
    transaction_date date not null,
    product_id text not null,
    store_id text,
    promotion_id text,
    quantity numeric not null,
    unit_price numeric not null,
    discount_amount numeric,
    is_return boolean not null,
    net_cents bigint not null,
    file_id bigint not null,
    source_part smallint not null,
    known_from timestamptz not null
) partition by range (transaction_date);
comment on table core.sale_line is 'Current accepted sale lines, one partition a year. (transaction_id, line_no) is unique across years and customers: acceptance and the gate enforce it.';
comment on column core.sale_line.customer_id is 'Customer; the distribution key on a cluster.';
comment on column core.sale_line.transaction_id is 'Receipt.';
comment on column core.sale_line.line_no is 'Line of the receipt.';
comment on column core.sale_line.transaction_date is 'Day of the transaction.';
comment on column core.sale_line.product_id is 'Product.';
comment on column core.sale_line.store_id is 'Store.';
comment on column core.sale_line.promotion_id is 'Promotion.';
comment on column core.sale_line.quantity is 'Quantity as the file gives it.';
comment on column core.sale_line.unit_price is 'Price of a unit.';
comment on column core.sale_line.discount_amount is 'Discount on the line; negative is a surcharge.';
comment on column core.sale_line.is_return is 'Whether the line is a return.';
comment on column core.sale_line.net_cents is 'Net amount in whole cents, negative for a return.';
comment on column core.sale_line.file_id is 'File that brought the line.';
comment on column core.sale_line.source_part is 'Part of the yearly file that owns the line: 0 the whole-year file, N part N, -1 a daily delta.';
comment on column core.sale_line.known_from is 'When the warehouse accepted the line.';

create table core.sale_line_superseded (
    customer_id text not null,
    transaction_id text not null,
    line_no bigint not null,
    transaction_date date not null,
    product_id text not null,
    store_id text,
    promotion_id text,
    quantity numeric not null,
    unit_price numeric not null,
    discount_amount numeric,
    is_return boolean not null,
    net_cents bigint not null,
    file_id bigint not null,
    source_part smallint not null,
    known_from timestamptz not null,
    superseded_at timestamptz not null,
    superseded_by bigint not null
);
comment on table core.sale_line_superseded is 'Lines that a later file withdrew or replaced; never deleted, so that any month can be rebuilt as it was known.';
comment on column core.sale_line_superseded.customer_id is 'Customer; the distribution key on a cluster.';
comment on column core.sale_line_superseded.transaction_id is 'Receipt.';
comment on column core.sale_line_superseded.line_no is 'Line of the receipt.';
comment on column core.sale_line_superseded.transaction_date is 'Day of the transaction.';
comment on column core.sale_line_superseded.product_id is 'Product.';
comment on column core.sale_line_superseded.store_id is 'Store.';
comment on column core.sale_line_superseded.promotion_id is 'Promotion.';
comment on column core.sale_line_superseded.quantity is 'Quantity as the file gives it.';
comment on column core.sale_line_superseded.unit_price is 'Price of a unit.';
comment on column core.sale_line_superseded.discount_amount is 'Discount on the line; negative is a surcharge.';
comment on column core.sale_line_superseded.is_return is 'Whether the line is a return.';
comment on column core.sale_line_superseded.net_cents is 'Net amount in whole cents, negative for a return.';
comment on column core.sale_line_superseded.file_id is 'File that brought the line.';
comment on column core.sale_line_superseded.source_part is 'Part of the yearly file that owns the line: 0 the whole-year file, N part N, -1 a daily delta.';
comment on column core.sale_line_superseded.known_from is 'When the warehouse accepted the line.';
comment on column core.sale_line_superseded.superseded_at is 'When it was withdrawn or replaced.';
comment on column core.sale_line_superseded.superseded_by is 'File that withdrew or replaced it.';

create table core.sale_line_waiting (
    rejected_record_id bigint primary key,
    row_number bigint not null,
    is_followed boolean not null default false,
    customer_id text not null,
    transaction_id text not null,
    line_no bigint not null,
    transaction_date date not null,
    product_id text not null,
    store_id text,
    promotion_id text,
    quantity numeric not null,
    unit_price numeric not null,
    discount_amount numeric,
    is_return boolean not null,
    net_cents bigint not null,
    file_id bigint not null,
    source_part smallint not null
);
comment on table core.sale_line_waiting is 'Rejected lines whose only reasons are unknown_*: accepted by themselves when the master arrives.';
comment on column core.sale_line_waiting.rejected_record_id is 'The reject.';
comment on column core.sale_line_waiting.is_followed is 'Whether a later acceptable row of the same file has the key.';
comment on column core.sale_line_waiting.row_number is 'Order of the record in its file.';
comment on column core.sale_line_waiting.customer_id is 'Customer; the distribution key on a cluster.';
comment on column core.sale_line_waiting.transaction_id is 'Receipt.';
comment on column core.sale_line_waiting.line_no is 'Line of the receipt.';
comment on column core.sale_line_waiting.transaction_date is 'Day of the transaction.';
comment on column core.sale_line_waiting.product_id is 'Product.';
comment on column core.sale_line_waiting.store_id is 'Store.';
comment on column core.sale_line_waiting.promotion_id is 'Promotion.';
comment on column core.sale_line_waiting.quantity is 'Quantity as the file gives it.';
comment on column core.sale_line_waiting.unit_price is 'Price of a unit.';
comment on column core.sale_line_waiting.discount_amount is 'Discount on the line; negative is a surcharge.';
comment on column core.sale_line_waiting.is_return is 'Whether the line is a return.';
comment on column core.sale_line_waiting.net_cents is 'Net amount in whole cents, negative for a return.';
comment on column core.sale_line_waiting.file_id is 'File that brought the line.';
comment on column core.sale_line_waiting.source_part is 'Part of the yearly file that owns the line: 0 the whole-year file, N part N, -1 a daily delta.';
create index sale_line_superseded_known on core.sale_line_superseded (superseded_at);
create index sale_line_superseded_customer on core.sale_line_superseded (customer_id);
create index sale_line_waiting_file on core.sale_line_waiting (file_id);

create table core.customer_version (
    customer_id text not null,
    full_name text,
    email text,
    phone text,
    city text,
    customer_group text,
    home_store_id text,
    registration_date date,
    opt_in_email boolean,
    opt_in_sms boolean,
    opt_in_phone boolean,
    responsible_email text,
    is_in_master boolean not null,
    version_from date not null,
    version_to date not null,
    effective_date date not null,
    known_from timestamptz not null,
    known_to timestamptz not null default 'infinity',
    file_id bigint not null,
    warnings text[],
    check (version_from < version_to),
    check (known_from <= known_to)
);
create unique index customer_version_current on core.customer_version (customer_id, version_from) where known_to = 'infinity';
create index customer_version_customer_id on core.customer_version (customer_id);
comment on table core.customer_version is 'Customers as SCD 2 on two time axes: valid from version_from until before version_to, known from known_from until before known_to.';
comment on column core.customer_version.customer_id is 'Customer, as the files give it.';
comment on column core.customer_version.full_name is 'Full name.';
comment on column core.customer_version.email is 'E-mail address (personal data).';
comment on column core.customer_version.phone is 'Telephone number (personal data).';
comment on column core.customer_version.city is 'City.';
comment on column core.customer_version.customer_group is 'Group of customers.';
comment on column core.customer_version.home_store_id is 'Home store.';
comment on column core.customer_version.registration_date is 'Day of registration.';
comment on column core.customer_version.opt_in_email is 'Agreed to e-mail; null = unknown.';
comment on column core.customer_version.opt_in_sms is 'Agreed to text messages; null = unknown.';
comment on column core.customer_version.opt_in_phone is 'Agreed to calls; null = unknown.';
comment on column core.customer_version.responsible_email is 'E-mail of the responsible seller.';
comment on column core.customer_version.is_in_master is 'False where a later master left the key out (closed).';
comment on column core.customer_version.version_from is 'First day of the version; -infinity for the first known one.';
comment on column core.customer_version.version_to is 'Day before which the version ends; infinity for the newest.';
comment on column core.customer_version.effective_date is 'Effective date of the file that gave the version.';
comment on column core.customer_version.known_from is 'When the warehouse learned it.';
comment on column core.customer_version.known_to is 'When the warehouse learned better; infinity for what it holds true now.';
comment on column core.customer_version.file_id is 'File that gave the version, or closed it.';
comment on column core.customer_version.warnings is 'Values that could not be read and became unknown.';

create table core.product_version (
    product_id text not null,
    product_name text,
    category text,
    family text,
    product_type text,
    unit_cost numeric,
    is_in_master boolean not null,
    version_from date not null,
    version_to date not null,
    effective_date date not null,
    known_from timestamptz not null,
    known_to timestamptz not null default 'infinity',
    file_id bigint not null,
    warnings text[],
    check (version_from < version_to),
    check (known_from <= known_to)
);
create unique index product_version_current on core.product_version (product_id, version_from) where known_to = 'infinity';
create index product_version_product_id on core.product_version (product_id);
comment on table core.product_version is 'Products as SCD 2 on two time axes: valid from version_from until before version_to, known from known_from until before known_to.';
comment on column core.product_version.product_id is 'Product, as the files give it.';
comment on column core.product_version.product_name is 'Name.';
comment on column core.product_version.category is 'Category.';
comment on column core.product_version.family is 'Family.';
comment on column core.product_version.product_type is 'Type; the rule set says which types are core.';
comment on column core.product_version.unit_cost is 'Cost of a unit.';
comment on column core.product_version.is_in_master is 'False where a later master left the key out (closed).';
comment on column core.product_version.version_from is 'First day of the version; -infinity for the first known one.';
comment on column core.product_version.version_to is 'Day before which the version ends; infinity for the newest.';
comment on column core.product_version.effective_date is 'Effective date of the file that gave the version.';
comment on column core.product_version.known_from is 'When the warehouse learned it.';
comment on column core.product_version.known_to is 'When the warehouse learned better; infinity for what it holds true now.';
comment on column core.product_version.file_id is 'File that gave the version, or closed it.';
comment on column core.product_version.warnings is 'Values that could not be read and became unknown.';

create table core.store_version (
    store_id text not null,
    store_name text,
    city text,
    region text,
    is_in_master boolean not null,
    version_from date not null,
    version_to date not null,
    effective_date date not null,
    known_from timestamptz not null,
    known_to timestamptz not null default 'infinity',
    file_id bigint not null,
    warnings text[],
    check (version_from < version_to),
    check (known_from <= known_to)
);
create unique index store_version_current on core.store_version (store_id, version_from) where known_to = 'infinity';
create index store_version_store_id on core.store_version (store_id);
comment on table core.store_version is 'Stores as SCD 2 on two time axes: valid from version_from until before version_to, known from known_from until before known_to.';
comment on column core.store_version.store_id is 'Store, as the files give it.';
comment on column core.store_version.store_name is 'Name.';
comment on column core.store_version.city is 'City.';
comment on column core.store_version.region is 'Region.';
comment on column core.store_version.is_in_master is 'False where a later master left the key out (closed).';
comment on column core.store_version.version_from is 'First day of the version; -infinity for the first known one.';
comment on column core.store_version.version_to is 'Day before which the version ends; infinity for the newest.';
comment on column core.store_version.effective_date is 'Effective date of the file that gave the version.';
comment on column core.store_version.known_from is 'When the warehouse learned it.';
comment on column core.store_version.known_to is 'When the warehouse learned better; infinity for what it holds true now.';
comment on column core.store_version.file_id is 'File that gave the version, or closed it.';
comment on column core.store_version.warnings is 'Values that could not be read and became unknown.';

create table core.promotion_version (
    promotion_id text not null,
    promotion_name text,
    promotion_type text,
    discount_percent numeric,
    valid_from date,
    valid_to date,
    is_in_master boolean not null,
    version_from date not null,
    version_to date not null,
    effective_date date not null,
    known_from timestamptz not null,
    known_to timestamptz not null default 'infinity',
    file_id bigint not null,
    warnings text[],
    check (version_from < version_to),
    check (known_from <= known_to)
);
create unique index promotion_version_current on core.promotion_version (promotion_id, version_from) where known_to = 'infinity';
create index promotion_version_promotion_id on core.promotion_version (promotion_id);
comment on table core.promotion_version is 'Promotions as SCD 2 on two time axes: valid from version_from until before version_to, known from known_from until before known_to.';
comment on column core.promotion_version.promotion_id is 'Promotion, as the files give it.';
comment on column core.promotion_version.promotion_name is 'Name.';
comment on column core.promotion_version.promotion_type is 'Type.';
comment on column core.promotion_version.discount_percent is 'Discount in percent.';
comment on column core.promotion_version.valid_from is 'First day of the promotion.';
comment on column core.promotion_version.valid_to is 'Last day of the promotion.';
comment on column core.promotion_version.is_in_master is 'False where a later master left the key out (closed).';
comment on column core.promotion_version.version_from is 'First day of the version; -infinity for the first known one.';
comment on column core.promotion_version.version_to is 'Day before which the version ends; infinity for the newest.';
comment on column core.promotion_version.effective_date is 'Effective date of the file that gave the version.';
comment on column core.promotion_version.known_from is 'When the warehouse learned it.';
comment on column core.promotion_version.known_to is 'When the warehouse learned better; infinity for what it holds true now.';
comment on column core.promotion_version.file_id is 'File that gave the version, or closed it.';
comment on column core.promotion_version.warnings is 'Values that could not be read and became unknown.';

create table core.sale_key_range (
    period_year integer primary key,
    lowest_transaction_id text not null,
    highest_transaction_id text not null,
    first_date date not null,
    last_date date not null
);
comment on table core.sale_key_range is 'Range of receipt ids of every year, so that a file is compared only with years that can hold its keys.';
comment on column core.sale_key_range.period_year is 'Calendar year.';
comment on column core.sale_key_range.lowest_transaction_id is 'Lowest receipt id ever accepted for the year.';
comment on column core.sale_key_range.highest_transaction_id is 'Highest receipt id ever accepted for the year.';
comment on column core.sale_key_range.first_date is 'First day of the year.';
comment on column core.sale_key_range.last_date is 'Last day of the year.';

create table core.calendar (
    day date primary key,
    month date not null
);
comment on table core.calendar is 'Every day and its month: a join to it is several times faster than date_trunc on every row.';
comment on column core.calendar.day is 'Day.';
comment on column core.calendar.month is 'First day of its month.';
insert into core.calendar (day, month)
select d::date, date_trunc('month', d)::date
from generate_series(timestamp '1900-01-01', timestamp '2099-12-31', interval '1 day') as d;
analyze core.calendar;
