create or replace view mart.cut_point as
select
    cut_point.month,
    cut_point.metric,
    cut_point.band,
    case when cut_point.metric in ('monetary', 'abc') then cut_point.limit_value * 0.01 else cut_point.limit_value end as limit_value
from crm.cut_point
join crm.published_month
    on published_month.month = cut_point.month
    and published_month.cut_run_id = cut_point.run_id;

comment on view mart.cut_point is 'Limits of the score bands of every published month: a customer is in the highest band whose limit the value reaches.';
comment on column mart.cut_point.month is 'Month, its first day.';
comment on column mart.cut_point.metric is 'recency, frequency, monetary or abc.';
comment on column mart.cut_point.band is 'Band, 1 worst to 5 best; for abc 2 = A, 1 = B.';
comment on column mart.cut_point.limit_value is 'Worst value that reaches the band: days (recency, the most), purchases (frequency, the fewest) or currency units (monetary and abc, the least). A band without a value has no row.';
