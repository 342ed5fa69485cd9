\set c :c + 1
\set n :base + :c * 1024 + :client_id * 4

begin;
insert into request(principal,key,fingerprint) values('shop-1','c'||:n::text,decode(repeat('ab',32),'hex'));
insert into payment(id,order_id,status,amount_minor,currency,provider) values(lpad(to_hex(:n::bigint),32,'0')::uuid,'o'||:n::text,'PENDING',1000,'USD','mock');
insert into provider_operation(id,payment_id,kind,state,amount_minor) values(lpad(to_hex(:n::bigint),32,'0')::uuid,lpad(to_hex(:n::bigint),32,'0')::uuid,'AUTHORIZE','PENDING',1000);
commit;
begin;
select id,status,amount_minor,captured_minor,refunded_minor,version,currency,provider,provider_ref from payment where id=lpad(to_hex(:n::bigint),32,'0')::uuid for no key update;
update payment set status='AUTHORIZED',provider_ref='auth_123456789',version=version+1,updated_at=now() where id=lpad(to_hex(:n::bigint),32,'0')::uuid;
update provider_operation set state='SUCCEEDED',provider_ref='auth_123456789',attempt=1,updated_at=now() where id=lpad(to_hex(:n::bigint),32,'0')::uuid;
insert into payment_event(id,payment_id,version,type,data) values(lpad(to_hex(:n::bigint),32,'0')::uuid,lpad(to_hex(:n::bigint),32,'0')::uuid,1,'payment.authorized','{"paymentId":"01900000-0000-7000-8000-000000000000","orderId":"o123","amountMinor":"1000","currency":"USD","status":"AUTHORIZED","provider":"mock","providerRef":"auth_123456789"}');
update request set response=decode(repeat('cd',150),'hex') where principal='shop-1' and key='c'||:n::text;
commit;
