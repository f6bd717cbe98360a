-- Routines that take other arguments now.

drop procedure if exists core.find_differing_sales(bigint);
drop procedure if exists core.judge_sales(bigint, bigint[]);
