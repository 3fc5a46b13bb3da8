/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.members;

import static com.example.shop.check.Check.fails;
import static com.example.shop.check.Check.same;
import static com.example.shop.check.Check.test;
import static com.example.shop.check.Check.that;

import com.example.shop.check.Check;
import com.example.shop.members.data.RegionCodes;
import com.example.shop.members.domain.Address;
import com.example.shop.members.domain.Coupon;
import com.example.shop.members.domain.Member;
import com.example.shop.members.domain.MemberLevel;
import com.example.shop.members.domain.PointsEntry;
import com.example.shop.members.generated.MemberMapperImpl;
import com.example.shop.members.repository.InMemoryRepository;
import com.example.shop.members.repository.Repository;
import com.example.shop.members.service.AddressBook;
import com.example.shop.members.service.CouponService;
import com.example.shop.members.service.LoginSessions;
import com.example.shop.members.service.MemberService;
import com.example.shop.members.service.PasswordPolicy;
import com.example.shop.members.service.PointsService;
import com.example.shop.members.service.PrivacyExport;
import com.example.shop.members.support.Clocks;
import com.example.shop.members.web.MemberController;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** 会员服务的测试，直接运行 main 方法即可。 */
public final class MembersTests {

    private final Clocks.ManualClock clock = Clocks.manual("2026-03-01T02:00:00Z");
    private final Repository<String, Member> members = new InMemoryRepository<>(Member::id);
    private final PasswordPolicy policy = new PasswordPolicy();
    private final MemberService service = new MemberService(members, policy, clock);
    private final PointsService points =
            new PointsService(new InMemoryRepository<>(PointsEntry::entryId), clock);
    private final CouponService coupons = new CouponService(new InMemoryRepository<>(Coupon::code), clock);
    private final AddressBook addresses = new AddressBook(new InMemoryRepository<>(Address::id));
    private final LoginSessions sessions = new LoginSessions(members, policy, clock);

    public static void main(String[] args) {
        test("注册", () -> new MembersTests().registers());
        test("密码策略", () -> new MembersTests().checksPasswords());
        test("登录失败锁定", () -> new MembersTests().locksAfterFailures());
        test("积分", () -> new MembersTests().keepsPoints());
        test("并发使用积分", () -> new MembersTests().spendsConcurrently());
        test("优惠券", () -> new MembersTests().redeemsCoupons());
        test("收货地址", () -> new MembersTests().keepsOnePreferredAddress());
        test("隐私导出", () -> new MembersTests().exports());
        test("接口", () -> new MembersTests().controllerReportsErrors());
        System.out.println(Check.passed() + " checks passed");
    }

    private Member newMember() {
        return service.register("小明", "138 0000 0042", "ming@example.com", "abc12345!");
    }

    void registers() {
        Member member = newMember();
        same("M00000001", member.id());
        same("138****0042", member.maskedMobile());
        MemberException e = fails(MemberException.class, this::newMember);
        same(MemberException.Code.ALREADY_EXISTS, e.code());
        same(MemberLevel.GOLD, service.refreshLevel(member.id(), 9_000).level());
        same(1L, service.countByLevel().get(MemberLevel.GOLD));
        same(21_000L, MemberLevel.GOLD.growthToNext(9_000));
    }

    void checksPasswords() {
        same(List.of(), policy.violations("abc12345!", "13800000042"));
        that(policy.violations("12345678", null).contains("密码过于常见"), "常见密码应被拒绝");
        String hash = policy.hash("abc12345!");
        that(policy.verify("abc12345!", hash), "正确的密码应通过");
        that(!policy.verify("abc12345?", hash), "错误的密码不应通过");
    }

    void locksAfterFailures() {
        newMember();
        for (int i = 0; i < 5; i++) {
            fails(MemberException.class, () -> sessions.login("13800000042", "wrong-password"));
        }
        MemberException e = fails(MemberException.class, () -> sessions.login("13800000042", "abc12345!"));
        same(MemberException.Code.LOCKED, e.code());
        clock.advance(Duration.ofMinutes(16));
        LoginSessions.Session session = sessions.login("13800000042", "abc12345!");
        that(sessions.touch(session.token()).isPresent(), "会话应有效");
        clock.advance(Duration.ofHours(3));
        that(sessions.touch(session.token()).isEmpty(), "会话应已过期");
    }

    void keepsPoints() {
        Member member = newMember();
        same(199L, points.earn(member, "O1", 19_990));
        same(199L, points.earn(member, "O1", 19_990));
        same(149L, points.spend(member, "O2", 50));
        fails(MemberException.class, () -> points.spend(member, "O3", 150));
        same(0L, points.expire(member.id()));
        clock.advance(Duration.ofDays(366));
        same(149L, points.expire(member.id()));
        same(0L, points.balance(member.id()));
        same(2, points.monthlyStatement(member.id()).size());
    }

    void spendsConcurrently() throws Exception {
        Member member = newMember();
        points.adjust(member.id(), 100, "客服一号", "补发积分");
        ExecutorService pool = Executors.newFixedThreadPool(4);
        try {
            List<Future<Boolean>> results = new ArrayList<>();
            for (int i = 0; i < 20; i++) {
                String orderNo = "C" + i;
                results.add(pool.submit(() -> {
                    try {
                        points.spend(member, orderNo, 10);
                        return true;
                    } catch (MemberException e) {
                        return false;
                    }
                }));
            }
            int succeeded = 0;
            for (Future<Boolean> result : results) {
                succeeded += result.get() ? 1 : 0;
            }
            same(10, succeeded);
            same(0L, points.balance(member.id()));
        } finally {
            pool.shutdownNow();
        }
    }

    void redeemsCoupons() {
        coupons.issue(List.of("M1"), new Coupon.AmountOff(1_000), 5_000, Duration.ofDays(7));
        Coupon percent = coupons.issue(
                List.of("M1"), new Coupon.PercentOff(20, 3_000), 0, Duration.ofDays(3)).get(0);
        same(percent, coupons.best("M1", 10_000, 800).orElseThrow());
        same(2_000L, coupons.redeem(percent.code(), "M1", "O9", 10_000, 800));
        fails(MemberException.class, () -> coupons.redeem(percent.code(), "M1", "O10", 10_000, 800));
        same(1, coupons.giveBack("O9"));
        clock.advance(Duration.ofDays(4));
        same(1, coupons.usable("M1", 10_000, 800).size());
    }

    void keepsOnePreferredAddress() {
        String region = RegionCodes.provinces().get(0);
        Address home = addresses.add("M1", "小明", "13800000042", region, "和平路 1 号");
        Address office = addresses.add("M1", "小明", "13800000042", region, "软件园 2 号楼");
        addresses.prefer("M1", office.id());
        same(office.id(), addresses.preferred("M1").orElseThrow().id());
        addresses.remove("M1", office.id());
        same(home.id(), addresses.preferred("M1").orElseThrow().id());
        fails(MemberException.class, () -> addresses.remove("M2", home.id()));
    }

    void exports() {
        Member member = newMember();
        addresses.add(member.id(), "小明", "13800000042", "110000", "门牌\"12\"");
        points.earn(member, "O1", 10_000);
        String json = new PrivacyExport(service, addresses, points, Runnable::run, clock).export(member.id());
        that(json.contains("门牌\\\"12\\\""), "引号应被转义");
        that(json.contains("订单 O1 获得积分"), "应包含积分明细");
        that(!json.contains(member.passwordHash()), "不能导出密码摘要");
    }

    void controllerReportsErrors() {
        MemberController controller = new MemberController(service, sessions, new MemberMapperImpl());
        same(400, controller.register(
                new MemberController.RegisterRequest("小红", "123", null, "abc12345!")).status());
        that(controller.register(
                new MemberController.RegisterRequest("小红", "13900000001", null, "abc12345!")).isOk(), "应成功");
        String token = controller.login("13900000001", "abc12345!").data().get("token");
        same("小红", controller.me(token).data().getNickname());
        same(1, controller.changePassword(token, "abc12345!", "xyz98765!").data());
        same(401, controller.me(token).status());
        same(1L, controller.search("红", 1, 10).data().total());
    }
}
