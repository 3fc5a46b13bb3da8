/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.members.service;

import com.example.shop.members.support.Preconditions;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import javax.crypto.SecretKeyFactory;
import javax.crypto.spec.PBEKeySpec;

/** 密码策略：检查强度，生成与校验密码摘要。 */
public final class PasswordPolicy {

    private static final int MIN_LENGTH = 8;
    private static final int MAX_LENGTH = 64;
    private static final int ITERATIONS = 10_000;
    private static final int KEY_BITS = 256;
    private static final Set<String> COMMON =
            Set.of("password", "12345678", "qwertyui", "iloveyou", "88888888", "11111111");

    private final SecureRandom random = new SecureRandom();

    /** 返回密码不满足的所有规则；列表为空表示密码合格。 */
    public List<String> violations(String password, String mobile) {
        Preconditions.notNull(password, "password");
        List<String> problems = new ArrayList<>();
        if (password.length() < MIN_LENGTH || password.length() > MAX_LENGTH) {
            problems.add("密码长度必须在 " + MIN_LENGTH + " 到 " + MAX_LENGTH + " 位之间");
        }
        if (COMMON.contains(password.toLowerCase(Locale.ROOT))) {
            problems.add("密码过于常见");
        }
        if (kindsOf(password) < 2) {
            problems.add("密码至少包含字母、数字、符号中的两种");
        }
        if (mobile != null && !mobile.isBlank() && password.contains(mobile)) {
            problems.add("密码不能包含手机号");
        }
        return problems;
    }

    private static int kindsOf(String password) {
        boolean letters = password.chars().anyMatch(Character::isLetter);
        boolean digits = password.chars().anyMatch(Character::isDigit);
        boolean others = password.chars().anyMatch(ch -> !Character.isLetterOrDigit(ch));
        return (letters ? 1 : 0) + (digits ? 1 : 0) + (others ? 1 : 0);
    }

    /** 生成形如 {@code 盐$摘要} 的密码摘要。 */
    public String hash(String password) {
        byte[] salt = new byte[16];
        random.nextBytes(salt);
        return encode(salt) + "$" + encode(derive(password, salt));
    }

    /** 校验密码，比较时间与内容无关。 */
    public boolean verify(String password, String storedHash) {
        int split = storedHash.indexOf('$');
        if (split < 0) {
            return false;
        }
        byte[] salt = Base64.getDecoder().decode(storedHash.substring(0, split));
        byte[] expected = Base64.getDecoder().decode(storedHash.substring(split + 1));
        return MessageDigest.isEqual(expected, derive(password, salt));
    }

    private static byte[] derive(String password, byte[] salt) {
        PBEKeySpec spec = new PBEKeySpec(password.toCharArray(), salt, ITERATIONS, KEY_BITS);
        try {
            return SecretKeyFactory.getInstance("PBKDF2WithHmacSHA256").generateSecret(spec).getEncoded();
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("当前 JDK 不支持 PBKDF2", e);
        } finally {
            spec.clearPassword();
        }
    }

    private static String encode(byte[] bytes) {
        return Base64.getEncoder().encodeToString(bytes);
    }
}
